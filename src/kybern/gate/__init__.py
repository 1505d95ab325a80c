"""The gate: may this AI system go on to its next stage, by the evidence that there is and the rules of the workspace."""
