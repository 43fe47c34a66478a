"""What can be bought: models with their tiers, prices and bounds; and which tiers are down."""
