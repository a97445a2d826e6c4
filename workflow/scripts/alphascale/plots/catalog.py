"""The figures by name; free of matplotlib, for the workflow to read when it starts.

A name is a file's, its caption's (`workflow/report/{name}.rst`) and that of what draws it (`draw`).
"""

from __future__ import annotations

# Of a domain: file → title in the report.
FIGURES = {
    "accuracy": "1. Accuracy against parameters",
    "loss": "2. Loss against parameters and data",
    "compute": "3. Accuracy against training compute",
    "predicted": "4. Predicted against measured",
    "carbon": "5. CO₂ of N*, naive and study",
    "surface": "6. Accuracy over parameters and data",
}

# Of a domain, drawn from what `regimes` found.
REGIME_FIGURES = {
    "regimes": "11. Variance or resolution: loss above its floor",
    "front": "12. Loss against training compute: front and law",
}

# Of a domain whose study asks what the model costs to keep.
SERVING_FIGURES = {"serving": "14. What the model costs to keep: latency, energy, money"}

# Of domains that compare with one another: drawn once, under the first one's name.
COMPARE_FIGURES = {"families": "13. Families compared: target against training compute"}

# Of language domains that belong together: drawn once, under the first one's name.
LANGUAGE_FIGURES = {
    "perplexity": "7. Perplexity against parameters",
    "width": "8. Perplexity against width",
    "depth": "9. Perplexity against layers",
    "cost": "10. Training time and compute",
}
