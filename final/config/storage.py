"""The static files in production: compressed, and with a digest in each name."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class ModuleStorage(CompressedManifestStaticFilesStorage):
    # The modules of the page's script import each other by these names, too.
    support_js_module_import_aggregation = True
