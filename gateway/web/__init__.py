"""Staff pages: templates, forms and views of ten lines; what a page shows was decided behind it."""
