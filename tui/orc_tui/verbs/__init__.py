"""What the keys do: one short async method per action, grouped by what it acts on."""
