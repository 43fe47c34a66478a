"""What can be bought: models, tiers, prices and bounds, and which tiers are down."""
