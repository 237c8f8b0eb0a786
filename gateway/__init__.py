"""The front door: everything of ours that talks to people, machines, disks and clocks."""
