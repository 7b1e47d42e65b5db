"""The training rim: recipe, gates, tracking and registry. MLflow is known here and nowhere else."""
