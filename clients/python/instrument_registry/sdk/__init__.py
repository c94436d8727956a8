"""Feeds that subscribe plans through the SDKs of brokers: `kite.Feed`, `upstox.Feed`, `dhan.Feed` and `angel.Feed`.

Each module imports the SDK of its broker, so import only the one that you need.
"""
