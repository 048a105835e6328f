#!/usr/bin/env python
"""Django's command line. `manage.py stack` is what `make run` and `make demo` call."""

import os
import sys


def main() -> None:
    """Run the command named on the command line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    from dataengine.origin import refine, request_id

    refine(via="command", name=" ".join(sys.argv[1:2]), request_id=request_id(None))
    try:
        if sys.argv[1:2] == ["stack"]:
            # The one command that may make up a SECRET_KEY; it has to stand before the settings load.
            from config.stack.private import ensure_secret_key

            ensure_secret_key()
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
