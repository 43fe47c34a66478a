"""Every equation that must hold over the tables of a deployment. Rule: reads only, and is never shipped.

Pure: `breaches` says what is found, `rows` what is read, `entitlement_equations` and `subscription_equations` what must
hold, `checks` asks them. Edge: `reading` reads the tables, `audit` goes through them, `targets` finds them, `command`
tells.
"""
