"""The value lists of the adult social care client level return, as data: Release 2 text and what came before it.

The values are facts of the national standard (Release 2, submissions from October 2025; councils still send
Release 1 text). A corrected list changes this file and nothing else. Lists whose full wording is not public
(method, eligible needs, caring hours, review outcomes, route of access, assessment type, review reason) are not
here: their columns keep the council's own words.
"""

from __future__ import annotations

from typing import Final

CODES: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "gender": {
        "Male": (),
        "Female": (),
        "Other": (),
        "Unknown": (),
    },
    "client_type": {
        "Service user": ("Service User",),
        "Unpaid carer": ("Carer",),
        "Unpaid carer known by association": ("Carer known by association",),
    },
    "event_type": {
        "Request": (),
        "Assessment": (),
        "Service": (),
        "Review": (),
    },
    "ethnicity": {
        "White: English, Welsh, Scottish, Northern Irish or British": (
            "White - English, Welsh, Scottish, Northern Irish or British",
        ),
        "White: Irish": ("White - Irish",),
        "White: Gypsy or Irish Traveller": ("White - Gypsy or Irish Traveller",),
        "White: Roma": ("White - Roma",),
        "White: Any other White background": ("White - Any other White background",),
        "Mixed or multiple ethnic groups: White and Black Caribbean": (
            "Mixed or multiple ethnic groups - White and Black Caribbean",
        ),
        "Mixed or multiple ethnic groups: White and Black African": (
            "Mixed or multiple ethnic groups - White and Black African",
        ),
        "Mixed or multiple ethnic groups: White and Asian": ("Mixed or multiple ethnic groups - White and Asian",),
        "Mixed or multiple ethnic groups: Any other Mixed or multiple ethnic background": (
            "Mixed or multiple ethnic groups - Any other Mixed or multiple ethnic background",
        ),
        "Asian or Asian British: Indian": ("Asian or Asian British - Indian",),
        "Asian or Asian British: Pakistani": ("Asian or Asian British - Pakistani",),
        "Asian or Asian British: Bangladeshi": ("Asian or Asian British - Bangladeshi",),
        "Asian or Asian British: Chinese": ("Asian or Asian British - Chinese",),
        "Asian or Asian British: Any other Asian background": ("Asian or Asian British - Any other Asian background",),
        "Black, Black British, Caribbean or African: African": (
            "Black, Black British, Caribbean or African - African",
        ),
        "Black, Black British, Caribbean or African: Caribbean": (
            "Black, Black British, Caribbean or African - Caribbean",
        ),
        "Black, Black British, Caribbean or African: Any other Black, Black British or Caribbean background": (
            "Black, Black British, Caribbean or African - Any other Black, Black British or Caribbean background",
        ),
        "Other ethnic group: Arab": ("Other ethnic group - Arab",),
        "Other ethnic group: Any other ethnic group": ("Other ethnic group - Any other ethnic group",),
        "No data: Refused": ("No data - Refused",),
        "No data: Undeclared or not known": ("No data - Undeclared or Not known",),
    },
    "primary_support_reason": {
        "Physical support: Access and mobility only": ("Physical Support: Access & mobility only",),
        "Physical support: Personal care support": ("Physical Support: Personal care support",),
        "Sensory support: Support for visual impairment": ("Sensory Support: Support for visual impairment",),
        "Sensory support: Support for hearing impairment": ("Sensory Support: Support for hearing impairment",),
        "Sensory support: Support for dual impairment": ("Sensory Support: Support for dual impairment",),
        "Support with memory and cognition": ("Support with Memory & Cognition",),
        "Learning disability support": ("Learning Disability Support",),
        "Mental health support": ("Mental Health Support",),
        "Social support: Substance misuse support": ("Social Support: Substance misuse support",),
        "Social support: Asylum seeker support": ("Social Support: Asylum seeker support",),
        "Social support: Support for social isolation or other reason": (
            "Social Support: Support for Social Isolation/Other",
        ),
        "Social support: Support to unpaid carer": ("Social Support: Support to Carer",),
        "Unknown": (),
    },
    "accommodation_status": {
        "Owner occupier or shared ownership scheme": (),
        "Tenant: Local authority or other social housing provider": (),
        "Tenant: Private landlord": ("Tenant - private landlord",),
        "Settled mainstream housing with family or friends": ("Settled mainstream housing with family / friends",),
        "Supported accommodation, supported lodgings or supported group home": (
            "Supported accommodation / supported lodgings / supported group home",
        ),
        "Shared Lives scheme": (),
        "Approved premises for offenders released from prison or under probation supervision": (),
        "Sheltered housing, extra care housing or other sheltered housing": (
            "Sheltered housing / extra care housing / other sheltered housing",
        ),
        "Mobile accommodation for Gypsy, Roma and Traveller communities": (
            "Mobile accommodation for Gypsy / Roma and Traveller communities",
        ),
        "Rough sleeper or squatting": ("Rough sleeper / squatting",),
        "Night shelter, emergency hostel or direct access hostel": (
            "Night shelter / emergency hostel / direct access hostel",
        ),
        "Refuge": (),
        "Placed in temporary accommodation by the council (inc. homelessness resettlement)": (),
        "Staying with family or friends as a short term guest": (
            "Staying with family / friends as a short-term guest",
        ),
        "Acute hospital or long term healthcare residential facility": (
            "Acute / long-term healthcare residential facility or hospital",
        ),
        "Registered care home": (),
        "Registered nursing home": (),
        "Prison, young offenders institution or detention centre": (
            "Prison / Young offenders institution / detention centre",
        ),
        "Other temporary accommodation": (),
        "Unknown": (),
    },
    "employment_status": {
        "Paid: Less than 16 hours a week": (),
        "Paid: 16 or more hours a week": (),
        "Paid: Hours per week unknown": (),
        "Not in paid employment: Seeking work": ("Not in Paid Employment (seeking work)",),
        "Not in paid employment: Not actively seeking work or retired": (
            "Not in Paid Employment (not actively seeking work / retired)",
        ),
        "Not in paid employment: Voluntary work only": ("Not in Paid Employment (voluntary work only)",),
        "Unknown": (),
    },
    "yes_no_unknown": {
        "Yes": (),
        "No": (),
        "Unknown": (),
    },
    "visual_impairment": {
        "Blind/severely sight impaired": (),
        "Partial sight/sight impaired": (),
        "Visual impairment - severity unknown": (),
        "No visual impairment": (),
        "Unknown": (),
    },
    "hearing_impairment": {
        "Deaf with speech": (),
        "Deaf without speech": (),
        "Hard of hearing": (),
        "Hearing impairment: Severity unknown": (),
        "No hearing impairment": (),
        "Unknown": (),
    },
    "client_funding_status": {
        "Fully client funded": (),
        "Joint client and social care funded": (),
        "Fully social care funded": (),
        "Unknown": (),
    },
    "event_outcome": {
        "Progress to reablement/ST-Max": ("Progress to Reablement/ST-Max",),
        "Progress to assessment, review or reassessment": (
            "Progress to Assessment",
            "Progress to Re-assessment / Unplanned Review",
            "Progress to financial assessment",
        ),
        "Admitted to hospital": (),
        "Progress to support planning or services": ("Progress to Support Planning / Services",),
        "Continuation of support or services": ("No change in package", "Provision of service"),
        "NFA: Support ended as planned": ("Service Ended as Planned",),
        "NFA: Responsibility moved to another local authority": ("NFA - Moved to another LA",),
        "NFA: Referral to NHS services or NHS funded social care": ("NFA - 100% NHS funded care",),
        "NFA: Self-funded client or under 12wk disregard": ("NFA - Self-funded client (inc. 12wk disregard)",),
        "NFA: Referral to other service within the local authority": (),
        "NFA: Support declined": ("NFA - Support declined",),
        "NFA: Information and advice or signposting": ("NFA - Information & Advice / Signposting only",),
        "NFA: Deceased": ("NFA - Deceased",),
        "NFA: No services offered for other reason": ("NFA - No services offered: Other reason",),
        "NFA: Support ended for other reason": ("NFA - Support ended: Other reason",),
        "NFA: Other": ("NFA- Other",),
        "Progress to End of Life Care": (),
    },
    "service_type": {
        "Short term support: ST-Max": ("Short Term Support: ST-Max",),
        "Short term support: Ongoing low level": ("Short Term Support: Ongoing Low Level",),
        "Short term support: Other short term": ("Short Term Support: Other Short Term",),
        "Long term support: Nursing care": ("Long Term Support: Nursing Care",),
        "Long term support: Residential care": ("Long Term Support: Residential Care",),
        "Long term support: Community": ("Long Term Support: Community",),
        "Long term support: Prison": ("Long Term Support: Prison",),
        "Unpaid carer support: Direct to unpaid carer": ("Carer Support: Direct to Carer",),
        "Unpaid carer support: Support involving the person cared-for": (
            "Carer Support: Support involving the person cared-for",
        ),
    },
    "service_component": {
        "Reablement": (),
        "Short term nursing care": ("Short Term Nursing Care",),
        "Short term residential care": ("Short Term Residential Care",),
        "Long term nursing care": (),
        "Long term residential care": (),
        "Home support or domiciliary care": ("Home Support",),
        "Day support": (),
        "Meals": (),
        "Transport": (),
        "Equipment": (),
        "Direct payment": ("Direct Payment",),
        "Shared Lives": (),
        "Community supported living": ("Community Supported Living",),
        "Extra care housing": (),
        "Professional support: Social worker": (),
        "Professional support: Other": (),
        "Learning, education or employment support": (),
        "End of life care": (),
        "Emergency support": (),
        "Other short term support": (),
        "Other long term support": (),
        "Unpaid carer respite": ("Carer Respite",),
        "Unpaid carer sitting service": (),
        "Unpaid carer universal services": (),
        "Other unpaid carer support": (),
    },
    "delivery_mechanism": {
        "Direct payment": ("Direct Payment",),
        "CASSR managed personal budget": ("CASSR Managed Personal Budget",),
        "CASSR commissioned support": ("CASSR Commissioned Support",),
        "Self-Funder Metering Only": (),
    },
}
"""Each list: Release 2 text to the Release 1 texts of the same meaning."""
