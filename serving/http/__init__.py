"""HTTP parts that know no bank: operations, bodies, problems, middleware, OpenAPI, metrics, logs."""
