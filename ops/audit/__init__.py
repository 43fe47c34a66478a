"""Every equation that must hold over the tables of a deployment. Rule: reads only, and is never deployed.

Pure: `breaches` defines what an audit reports, `rows` reads stored items as values, `entitlement_equations`,
`subscription_equations` and `order_equations` say what must hold, `checks` asks them. Edge: `targets` finds the tables,
`reading` reads them, `audit` goes through them, `command` prints what was found.
"""
