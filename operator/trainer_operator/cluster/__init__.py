"""The one package that talks to the API server; it turns the server's errors into ours."""

from trainer_operator.cluster.client import Cluster
from trainer_operator.cluster.kinds import Kind
from trainer_operator.cluster.session import Call, Session, translate

__all__ = ["Call", "Cluster", "Kind", "Session", "translate"]
