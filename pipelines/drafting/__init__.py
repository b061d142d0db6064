"""Onboarding: a first configuration, drafted from a folder of files."""
