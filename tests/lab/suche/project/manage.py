#!/usr/bin/env python
"""Kommandozeilenwerkzeug von Django für Verwaltungsaufgaben."""

import os
import sys


def main():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "auskunft.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError as fehler:
        raise ImportError(
            "Django konnte nicht importiert werden. Ist es installiert und die "
            "virtuelle Umgebung aktiviert?"
        ) from fehler
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
