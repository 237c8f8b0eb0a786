"""One frozen Settings, read once from ``GATEWAY_*``; unsafe combinations do not start."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from gateway.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_settings import PydanticBaseSettingsSource


class Mode(StrEnum):
    """What the database is for. A database stamped with one refuses the other."""

    PRODUCTION = "production"
    DEMO = "demo"


class Settings(BaseSettings):
    """Where things are and how strict the house is. Every field is ``GATEWAY_<NAME>``."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    mode: Mode = Field(Mode.PRODUCTION, description="production, or demo: synthetic people only, every page marked")
    data_dir: Path = Field(Path("var"), description="holds gateway.db, ledger.db, keys/ and releases/")
    database_url: str | None = Field(None, description="postgresql+psycopg://…; absent means the two SQLite files")
    index_max_age_days: int = Field(35, ge=1, description="an index older than this answers traces with unavailable")
    upload_max_bytes: int = Field(32 * 1024 * 1024, ge=1024, description="largest request body accepted, in bytes")
    session_idle_minutes: int = Field(15, ge=1, description="a session unused this long ends")
    session_hours: int = Field(8, ge=1, description="a session ends after this long whatever happens")
    token_minutes: int = Field(60, ge=1, le=60, description="life of an access token issued here")
    organisation: str = Field("X09", description="ODS code of the organisation that runs this box")
    service_name: str = Field("Record linkage gateway", description="shown in page titles and the capability statement")
    trusted_hosts: str = Field("127.0.0.1,localhost,[::1]", description="comma separated Host values answered to")
    webhook_networks: str = Field(
        "", description="networks (10.20.0.0/16, …) that webhooks may go to besides the public internet"
    )
    webhook_days: int = Field(7, ge=1, le=90, description="a message that no subscriber took for so long is given up")
    recall_days: int = Field(14, ge=1, description="a recall not acknowledged for so long is overdue")
    pds_token: str = Field("", repr=False, description="bearer token for the upstream PDS FHIR API")
    pds_base_url: str | None = Field(None, description="base address of an upstream PDS FHIR API; absent means none")
    pds_token_url: str = Field("", description="where a signed assertion is exchanged for a token of that API")
    pds_api_key: str = Field("", repr=False, description="the application's API key there")
    pds_key_id: str = Field("", description="kid of the public key registered there")
    pds_private_key: Path | None = Field(None, description="file of the RSA private key, mode 0600; absent: pds_token")
    pds_organisation: str = Field("", description="ODS code sent as the end user's organisation; empty sends none")
    pds_rate: float = Field(5.0, gt=0, le=100, description="requests a second to the upstream PDS at most")
    pds_cache_seconds: int = Field(0, ge=0, description="how long an answer of the upstream PDS is used again; 0: not")
    mesh_url: str | None = Field(None, description="address of the MESH API; absent means that no mailbox is polled")
    mesh_mailbox: str = Field("", pattern=r"^[A-Za-z0-9]{0,32}$", description="id of this box's MESH mailbox")
    mesh_password: str = Field("", repr=False, description="password of the MESH mailbox")
    mesh_shared_key: str = Field("", repr=False, description="shared key of the MESH environment")
    mesh_cert: Path | None = Field(None, description="client certificate for MESH, PEM")
    mesh_key: Path | None = Field(None, description="private key of the client certificate for MESH, PEM")
    mesh_ca: Path | None = Field(None, description="certificates that MESH's own is checked against, PEM")
    mesh_workflows: str = Field(
        "SPINE_PDS_MESH_V1=pds-mesh:SPINE_MPT_RESPONSE,SPINE_MPTPHASE4_TRACE=mpt:SPINE_MPT_RESPONSE,DSP_MPS=mpt:DSP_MPS",
        description="workflows that are answered: WORKFLOW=FORMAT:RESPONSE-WORKFLOW, commas between",
    )
    mesh_max_bytes: int = Field(512 * 1024 * 1024, ge=1024, description="largest file taken from the mailbox, in bytes")
    mesh_chunk_bytes: int = Field(
        50 * 1024 * 1024, ge=1024, le=95 * 1024 * 1024, description="largest piece of a message sent, in bytes"
    )
    mesh_settle_seconds: int = Field(
        120, ge=1, description="wait before MESH is asked what became of a response whose sending was broken off"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the library's own signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read only what ``load_settings`` hands over, never the process environment behind its back."""
        return (init_settings,)

    @property
    def gateway_db(self) -> Path:
        """The system of record, where SQLite is used."""
        return self.data_dir / "gateway.db"

    @property
    def ledger_db(self) -> Path:
        """The append-only ledger, where SQLite is used."""
        return self.data_dir / "ledger.db"

    @property
    def keys_dir(self) -> Path:
        """Secrets, one file each, readable by the service alone."""
        return self.data_dir / "keys"

    @property
    def releases_dir(self) -> Path:
        """Finished releases, one folder each."""
        return self.data_dir / "releases"


def load_settings(environ: Mapping[str, str], **overrides: Any) -> Settings:  # noqa: ANN401 - field values of any type
    """Read settings from ``environ``; ``overrides`` (from the command line) win.

    Raises:
        InputError: a value breaks its rule; names the setting and the rule, never the value.
    """
    given: dict[str, Any] = {
        name: environ[key] for name in Settings.model_fields if (key := f"GATEWAY_{name.upper()}") in environ
    }
    try:
        return Settings(**(given | overrides))
    except ValidationError as faults:
        first = faults.errors(include_input=False, include_url=False)[0]
        name = "GATEWAY_" + str(first["loc"][0]).upper()
        raise InputError(f"{name}: {first['msg']}", reason="setting", field=name) from None
