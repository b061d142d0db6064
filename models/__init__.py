"""Pure models: examples in; model, scores, reasons and verdicts out."""
