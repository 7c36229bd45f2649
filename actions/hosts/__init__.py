"""A compose project on hosts: reached over SSH or SSM Run Command, changed in whole steps that can be repeated."""
