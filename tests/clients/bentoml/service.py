"""Two models behind one BentoML service, as its documentation writes them: a monitor for each."""

import bentoml


@bentoml.service(name="iris_classifier", workers=1)
class IrisClassifier:
    """Classifies irises, and tells how risky a loan is."""

    @bentoml.api
    def classify(self, rows: list[list[float]]) -> list[str]:
        """One class a row; a row of negative length is a bug."""
        if any(row[0] < 0 for row in rows):
            raise RuntimeError("a negative length")
        classes = ["setosa" if row[0] < 5 else "virginica" for row in rows]
        with bentoml.monitor("iris_monitor") as monitor:
            monitor.log_batch([row[0] for row in rows], "sepal length", role="feature", data_type="numerical")
            monitor.log_batch([int(row[1]) for row in rows], "colour", role="feature", data_type="categorical")
            monitor.log_batch([row * 20 for row in rows], "vector", role="feature", data_type="numerical_sequence")
            monitor.log_batch(classes, "class", role="prediction", data_type="categorical")
            monitor.log_batch([[0.75, 0.25] for _ in rows], "shares", role="prediction", data_type="numerical_sequence")
        return classes

    @bentoml.api
    def risk(self, amount: float) -> float:
        """The risk of a loan."""
        with bentoml.monitor("risk_monitor") as monitor:
            monitor.log(amount, "amount", role="feature", data_type="numerical")
            monitor.log(amount / 1000, "prediction", role="prediction", data_type="numerical")
        return amount / 1000
