"""The actions of the platform: one module is one action (:class:`trellis.automation.action.Action`)."""
