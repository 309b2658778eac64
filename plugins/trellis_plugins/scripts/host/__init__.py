"""The outside of the sandbox: starts and ends workers, talks to them, and decides what they may do."""
