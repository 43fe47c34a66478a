"""SyntheticFunction: a customer of its own, each minute. Rule: hand the run over to the door, and never fail loudly."""

import os
from typing import Any

from modelpass.runtime import wiring
from modelpass.schedule.invoker import LambdaInvoker
from modelpass.schedule.synthetic import SyntheticCustomer, plan_of

customer = SyntheticCustomer(plan_of(os.environ), wiring.deps(), LambdaInvoker().invoke)


def lambda_handler(_: object, context: Any) -> dict[str, Any]:
    """Buy where there is nothing, authorize, settle; answer whether it could, and where it could not."""
    return customer.run(context.aws_request_id)
