name = "minibot"

variable "tag" {
  type        = string
  default     = "17"
  description = "of the database's image"
  validation {
    condition     = var.tag != "latest"
    error_message = "Name a version."
  }
}

locals {
  user  = "999:${local.group}"
  group = 999
}

secrets {
  store   = "exec"
  command = ["pass", "show", "minibot/{name}"]
}

host {
  firewall        = true
  stealth         = true
  block_all       = false
  allow_signed    = true
  disk_encryption = true
  updates         = true
  auto_login      = true
  sleep           = false
  sharing         = ["screen", "files"]
  min_engine      = "28.3.3"
  min_runc        = "1.2.8"
}

remote "tailscale" {
  required = false
  serve    = [18789]
  ssh      = true
}

remote "ssh" { destination = "minibot@mini.local" }

network "front" { subnet = "172.30.0.0/24" }

network "back" { internal = true }

network "data" { masquerade = false }

secret "PASSWORD" {
  generate    = true
  description = "of the database"
}

secret "TOKEN" { generate = false }

accept "hard.read-only" {
  service = "full"
  reason  = "It writes beside its program."
  until   = "2027-01-31"
}

service "plain" {
  image    = "plain:1"
  networks = ["back"]
  limits {
    memory = "64MB"
    cpus   = 0.5
  }
  healthcheck { test = ["CMD-SHELL", "true"] }
}

service "full" {
  image             = "postgres:${var.tag}"
  platform          = "linux/arm64"
  pull_policy       = "always"
  container_name    = "database"
  hostname          = "db.local"
  command           = ["postgres", "-c", "log_statement=none"]
  entrypoint        = ["/entry"]
  working_dir       = "/work"
  env               = { PASSWORD_FILE = secret.PASSWORD.file, PRICE = "5 $ and $${HOME}" }
  labels            = { "org.example.role" = "database" }
  user              = local.user
  group_add         = ["1000"]
  cap_add           = ["NET_BIND_SERVICE"]
  cap_drop          = ["ALL"]
  read_only         = true
  init              = true
  tmpfs             = ["/tmp", "/var/run/postgresql:mode=0775"]
  shm_size          = "128MB"
  restart           = "on-failure:5"
  stop_signal       = "SIGINT"
  stop_grace_period = "1m"
  networks          = ["front", "back"]
  extra_hosts       = ["nas:192.168.1.5", "host:host-gateway", "six:[fd00::1]"]
  dns               = ["1.1.1.1", "2606:4700:4700::1111"]
  egress            = ["api.telegram.org:443", "[fd00::1]:53"]
  bind {
    port      = 5432
    published = 15432
    host_ip   = "127.0.0.2"
    protocol  = "tcp"
  }
  bind {
    port     = 53
    host_ip  = "::1"
    protocol = "udp"
  }
  limits {
    memory = "1.5GB"
    cpus   = 1.25
    pids   = 100
  }
  healthcheck {
    test         = ["CMD", "pg_isready"]
    interval     = "10s"
    timeout      = "5s"
    retries      = 3
    start_period = "1m30s"
  }
  logging {
    driver  = "local"
    options = { max-size = "1m" }
  }
  ulimit "nofile" {
    soft = 1000
    hard = 2000
  }
  ulimit "core" { soft = -1 }
  volume "data" {
    target    = "/var/lib/postgresql/data/"
    read_only = false
  }
  mount {
    source    = "/srv/db/../db"
    target    = "/import"
    read_only = true
  }
  file "/run/secrets/token.json" {
    content = jsonencode({ token = secret.TOKEN.value, path = secret.PASSWORD.file })
    mode    = "0440"
    uid     = 1000
    gid     = 1000
  }
  depends_on "plain" {
    condition = "service_healthy"
    restart   = true
  }
  auth "postgres" {
    user     = "minibot"
    database = "minibot"
    password = secret.PASSWORD.value
  }
  probe "http" {
    port   = 5432
    path   = "/health"
    status = [200, 204]
  }
  probe "tcp" { port = 5432 }
  probe "ws" {
    port   = 5432
    path   = "/live"
    send   = "hello"
    expect = "hello|welcome"
  }
  probe "exec" {
    command = ["pg_isready", "-U", "minibot"]
    exit    = 0
    expect  = "accepting"
    timeout = "5s"
  }
}
