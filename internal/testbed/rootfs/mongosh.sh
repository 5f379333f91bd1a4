#!/bin/sh
# Stands in for mongosh in a health check: prints 1 if a server takes connections, and fails if not.
nc -w 2 127.0.0.1 27017 </dev/null && echo 1
