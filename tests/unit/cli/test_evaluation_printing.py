from pneumoscope.cli.evaluation_printing import summary, with_interval

VALUE = {"value": 0.9, "low": 0.8, "high": 0.95}
OPEN = {"value": 1.0, "low": None, "high": None}
NONE = {"value": None, "low": None, "high": None}


def test_what_is_not_defined_is_said_so():
    assert with_interval(VALUE) == "0.9000 [0.8000, 0.9500]"
    assert with_interval(OPEN) == "1.0000 [?, ?]"
    assert with_interval(NONE) == "not defined"


def test_promises_and_zones_stand_beside_what_was_found():
    rates = {"accuracy": VALUE, "sensitivity": VALUE, "specificity": OPEN, "ppv": NONE, "npv": VALUE}
    document = {
        "radiographs": 10,
        "patients": 9,
        "interval": {"level": 0.95, "unit": "patient"},
        "metrics": {"auroc": VALUE},
        "operating_points": {
            "balanced": {
                "threshold": 0.25,
                "promised": {"sensitivity": 0.97, "specificity": None, "on": "validation"},
                "metrics": rates,
                "at_prevalence": {"prevalence": 0.05, "ppv": VALUE, "npv": NONE},
            }
        },
        "zones": {
            "frozen": {"alpha": 0.1},
            "metrics": {
                "called_unlikely_with_finding": VALUE,
                "called_likely_without_finding": NONE,
                "uncertain": VALUE,
            },
        },
    }
    text = "\n".join(summary(document))
    assert "10 radiographs of 9 patients, 95 % intervals by patient" in text
    assert "promised 0.9700 on validation" in text
    assert text.count("promised 0") == 1
    assert "ppv at 5 %" in text
    assert "promised error rate 0.1 a class" in text
    assert "10 radiographs (patients unknown)" in "\n".join(
        summary({**document, "interval": {"level": 0.95, "unit": "radiograph"}})
    )
    assert next(summary({**document, "chosen_here": ["zones"]})).startswith("These radiographs chose the zones")
    assert "zones" not in "\n".join(summary({**document, "zones": None}))
