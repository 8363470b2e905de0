# For those who lint their rules with pint (https://cloudflare.github.io/pint), written for 0.82 and newer:
#
#   pint --offline lint rules/*.yml
#   pint --offline lint rules/full/*.yml
#
# `model_exporter pack check` finds the same without pint, and what only it can know: which metrics the exporter has.

checks {
  disabled = [
    # It follows neither label_replace nor rules that read their own last sample.
    "promql/impossible",
    # Divisors are counts above a gate that an earlier rule of the group records; it looks at one rule at a time.
    "promql/nan",
    # Alerts read recorded series of one source, never sums from different targets.
    "promql/fragile",
  ]
}

# Groups read each other's series. Every reader bears a sample of two minutes ago, the longest interval of a group.
check "rule/dependency" {
  ignoreGroupMismatch = ["model(_[a-z]+)*:.+"]
}

rule {
  match {
    kind = "recording"
  }

  name "model(_version|_feature|_feature_bin|_upstream|_source|_segment|_business|_builtin|_exporter)?:[a-z0-9_]+(:[a-z0-9_]+)?" {
    comment  = "Series are called level:metric:operation."
    severity = "bug"
  }

  aggregate "model(_version|_feature|_feature_bin|_upstream|_source|_segment|_business)?:.+" {
    keep     = ["model"]
    severity = "bug"
    comment  = "Models must not be mixed."
  }

  aggregate "model(_version|_feature|_feature_bin|_upstream|_source|_segment|_business)?:.+" {
    strip    = ["instance"]
    severity = "bug"
    comment  = "Series of models are those of the fleet."
  }
}

rule {
  match {
    kind = "alerting"
  }

  name "Model([A-Z]+[a-z0-9]+)+" {
    severity = "bug"
  }

  label "component" {
    value    = "model|model_exporter"
    required = true
    severity = "bug"
  }

  annotation "summary" {
    value    = "[A-Z][^{]*[.]"
    required = true
    severity = "bug"
  }

  annotation "description" {
    required = true
    severity = "bug"
  }

  annotation "dashboard_url" {
    value    = "https?://[^ ]+/d/model-[a-z]+/.*"
    required = true
    severity = "bug"
  }

  annotation "runbook_url" {
    value    = "https?://[^ ]+/{{ $alert }}[.]md(#.*)?"
    required = true
    severity = "bug"
  }
}
