# A service to put yours in the place of.
service "app" {
  image = "nginxinc/nginx-unprivileged:1.29"
  user  = "101:101" # the image's own user; with it no capability is needed

  bind { port = 8080 } # 127.0.0.1:8080

  limits {
    memory = "128MB"
    cpus   = 0.5
  }

  tmpfs     = ["/tmp"]
  read_only = true

  healthcheck {
    test     = ["CMD", "curl", "-fsS", "http://127.0.0.1:8080/"]
    interval = "10s"
  }

  probe "http" { port = 8080 } # verify asks for it from outside
}
