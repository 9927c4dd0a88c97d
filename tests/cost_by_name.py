"""The figures of a cost model by its name; nothing here imports torch."""

from vtbench.data.cost import cost_model


def both(name, **given):
    """MACs and weights of a cost model."""
    model = cost_model(name)
    return model.macs(given), model.weights(given)
