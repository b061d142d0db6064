"""MLflow: runs, artefacts and the registry of models. The only importer of MLflow."""
