"""Texts for people from templates: a subject, HTML and plain text, with the values of a record."""

from trellis.templates.rendering import Rendered, TemplateFailed, UnknownTemplate, render, template_of

__all__ = ["Rendered", "TemplateFailed", "UnknownTemplate", "render", "template_of"]
