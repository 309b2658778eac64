"""The life of a metadata change: validate, plan, apply, undo. The visible model is always the old or the new one."""
