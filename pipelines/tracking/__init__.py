"""MLflow: runs, artefacts and the registry of models. The only importer of MLflow."""

from pipelines.tracking.files import fetch as fetch
from pipelines.tracking.files import load as load
from pipelines.tracking.files import load_reference as load_reference
from pipelines.tracking.registry import EXPERIMENTS as EXPERIMENTS
from pipelines.tracking.registry import PASSED as PASSED
from pipelines.tracking.registry import PREVIOUS as PREVIOUS
from pipelines.tracking.registry import Registered as Registered
from pipelines.tracking.registry import aliased as aliased
from pipelines.tracking.registry import champion_version as champion_version
from pipelines.tracking.registry import connect as connect
from pipelines.tracking.registry import promote as promote
from pipelines.tracking.registry import require_store as require_store
from pipelines.tracking.registry import roll_back as roll_back
from pipelines.tracking.registry import tracking_uri as tracking_uri
from pipelines.tracking.registry import version_of as version_of
from pipelines.tracking.registry import versions as versions
from pipelines.tracking.registry import write_verdict as write_verdict
from pipelines.tracking.runs import Training as Training
from pipelines.tracking.runs import champion_file as champion_file
from pipelines.tracking.runs import dataset_input as dataset_input
from pipelines.tracking.runs import log_run as log_run
from pipelines.tracking.runs import log_training as log_training
from pipelines.tracking.runs import search_run as search_run
