"""Where the API server is, and who asks."""

import os

from kubernetes.aio import config
from kubernetes.aio.client.configuration import Configuration


async def login() -> Configuration:
    """Return what KUBECONFIG says, or the pod's service account; its token is renewed."""
    settings = Configuration()
    if os.environ.get("KUBECONFIG") or not os.environ.get("KUBERNETES_SERVICE_HOST"):
        await config.load_kube_config(client_configuration=settings)
    else:
        config.load_incluster_config(client_configuration=settings)
    return settings
