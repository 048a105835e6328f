"""One record: its model, its serializers, its state before and after a change. Knows no lists."""
