# The reference stack: PostgreSQL, Redis, MongoDB and OpenClaw on one machine. "minibot init"
# writes any part of it.

# Every port is on 127.0.0.1. There is no way to write another address here: reach
# the services from elsewhere by Tailscale or an SSH tunnel.

name = "minibot"

# Images are variables, so that a machine can use a mirror or a version of its own: set one
# with -var NAME=IMAGE, or with MINIBOT_VAR_NAME in the environment.

variable "postgres_image" {
  type    = string
  default = "postgres:17"
}

variable "redis_image" {
  type    = string
  default = "redis:7"
}

variable "mongo_image" {
  type    = string
  default = "mongo:8"
}

variable "openclaw_image" {
  type    = string
  default = "ghcr.io/openclaw/openclaw:2026.9.6"
}

# On a machine that only tries the stack out, such as a laptop or CI: -var trial=true.
# What the machine itself is like, and how it is reached, is then its owner's affair.
variable "trial" {
  type    = bool
  default = false
}

# One bridge network. Even a port published by hand on it stays on 127.0.0.1.
#
# Databases need no way out. Stricter: write masquerade = false here, declare a second
# network "exit" {}, and put who calls out on both: networks = [ … , "exit"].
network "minibot-net" {}

# Secrets are names. The values live in the macOS keychain (on Linux in an encrypted
# file) and are read when minibot applies. minibot makes up those that have no value yet,
# but not where generate = false: these come from you.

secret "POSTGRES_PASSWORD" {}
secret "REDIS_PASSWORD" {}
secret "MONGO_PASSWORD" {}
secret "OPENCLAW_GATEWAY_PASSWORD" {}

secret "ANTHROPIC_API_KEY" {
  generate    = false
  description = "console.anthropic.com, API keys"
}

secret "TELEGRAM_BOT_TOKEN" {
  generate    = false
  description = "from @BotFather in Telegram"
}

service "postgres" {
  image = var.postgres_image
  user  = "999:999" # the image's own user; with it no capability is needed

  bind { port = 5432 } # 127.0.0.1:5432

  limits {
    memory = "1GB"
    cpus   = 1.0
  }

  env = {
    POSTGRES_USER          = "minibot"
    POSTGRES_DB            = "minibot"
    POSTGRES_PASSWORD_FILE = secret.POSTGRES_PASSWORD.file
    # Ask for the password inside the container too, where the image trusts everyone.
    POSTGRES_INITDB_ARGS = "--auth-local=scram-sha-256 --auth-host=scram-sha-256"
  }

  # PostgreSQL 18 and later: mount /var/lib/postgresql instead.
  volume "postgres-data" { target = "/var/lib/postgresql/data" }
  tmpfs       = ["/tmp", "/var/run/postgresql:uid=999,gid=999,mode=0775"]
  read_only   = true
  shm_size    = "128MB"
  stop_signal = "SIGINT" # a fast shutdown: open sessions are ended, data is flushed

  healthcheck {
    test     = ["CMD", "pg_isready", "-U", "minibot", "-d", "minibot"]
    interval = "5s"
    timeout  = "5s"
    retries  = 5
  }

  # How verify tries the door: first as a stranger, then with the password.
  auth "postgres" {
    user     = "minibot"
    database = "minibot"
    password = secret.POSTGRES_PASSWORD.value
  }
}

service "redis" {
  image   = var.redis_image
  user    = "999:999" # "999:1000" for the alpine image
  command = ["redis-server", "/run/secrets/redis.conf"]

  bind { port = 6379 }

  limits {
    memory = "256MB"
    cpus   = 0.5
    pids   = 64
  }

  # The password is in a file that only this container sees: not in its arguments, not
  # in its environment, not in docker inspect.
  file "/run/secrets/redis.conf" {
    content = <<-EOT
      requirepass ${secret.REDIS_PASSWORD.value}
      dir /data
      appendonly yes
      maxmemory 192mb
      maxmemory-policy noeviction
    EOT
  }

  volume "redis-data" { target = "/data" }
  tmpfs     = ["/tmp"]
  read_only = true

  healthcheck {
    # An answer is enough: without the password redis says NOAUTH.
    test     = ["CMD-SHELL", "redis-cli ping | grep -qE 'PONG|NOAUTH'"]
    interval = "5s"
    timeout  = "5s"
    retries  = 5
  }

  auth "redis" { password = secret.REDIS_PASSWORD.value }

  # A check of one's own, by a program in the container.
  probe "exec" {
    command = ["redis-cli", "ping"]
    expect  = "NOAUTH|PONG"
  }
}

service "mongo" {
  image   = var.mongo_image
  user    = "999:999"
  command = ["mongod", "--wiredTigerCacheSizeGB", "0.25"]

  bind { port = 27017 }

  limits {
    memory = "1GB"
    cpus   = 1.0
  }

  env = {
    MONGO_INITDB_ROOT_USERNAME      = "minibot"
    MONGO_INITDB_ROOT_PASSWORD_FILE = secret.MONGO_PASSWORD.file
  }

  volume "mongo-data" { target = "/data/db" }
  volume "mongo-config" { target = "/data/configdb" }
  tmpfs     = ["/tmp"]
  read_only = true

  ulimit "nofile" { soft = 20000 } # a busy server wants 64000

  healthcheck {
    test     = ["CMD", "mongosh", "--quiet", "--eval", "db.runCommand({ping:1}).ok"]
    interval = "5s"
    timeout  = "10s"
    retries  = 5
  }

  auth "mongo" {
    user     = "minibot"
    password = secret.MONGO_PASSWORD.value
  }
}

service "openclaw" {
  image   = var.openclaw_image
  user    = "1000:1000"
  init    = true
  command = ["node", "dist/index.js", "gateway", "--bind", "lan", "--port", "18789"]

  stop_grace_period = "30s" # it finishes what it is doing

  # It locks its state by host name. With a name that stays, a successor sees that the
  # owner of a lock is dead; with the engine's random one it would wait for 5 minutes.
  hostname = "openclaw"

  # "lan" is inside the container only; on the host it is 127.0.0.1:18789.
  bind { port = 18789 }

  limits {
    memory = "4GB"
    cpus   = 2.0
    pids   = 512
  }

  env = {
    OPENCLAW_CONFIG_PATH     = "/run/secrets/openclaw.json"
    OPENCLAW_CONFIG_READONLY = "1"
    OPENCLAW_STATE_DIR       = "/home/node/.openclaw"
    OPENCLAW_NO_AUTO_UPDATE  = "1"
    OPENCLAW_DISABLE_BONJOUR = "1"
    XDG_CACHE_HOME           = "/home/node/.openclaw/cache"
  }

  # OpenClaw reads each secret from its file, by reference.
  file "/run/secrets/openclaw.json" {
    content = <<-EOT
      {
        "gateway": {
          "mode": "local",
          "bind": "lan",
          "auth": {
            "mode": "password",
            "password": { "source": "file", "provider": "gateway", "id": "value" },
            "rateLimit": { "maxAttempts": 10, "windowMs": 60000, "lockoutMs": 300000 }
          },
          "controlUi": { "allowedOrigins": ["http://127.0.0.1:18789", "http://localhost:18789"] }
        },
        "secrets": {
          "providers": {
            "gateway": { "source": "file", "path": "${secret.OPENCLAW_GATEWAY_PASSWORD.file}", "mode": "singleValue" },
            "anthropic": { "source": "file", "path": "${secret.ANTHROPIC_API_KEY.file}", "mode": "singleValue" }
          }
        },
        "models": {
          "providers": {
            "anthropic": { "apiKey": { "source": "file", "provider": "anthropic", "id": "value" } }
          }
        },
        "channels": {
          "telegram": { "enabled": true, "tokenFile": "${secret.TELEGRAM_BOT_TOKEN.file}" }
        },
        "discovery": { "mdns": { "mode": "off" } },
        "session": { "dmScope": "per-channel-peer" },
        "tools": { "elevated": { "enabled": false }, "fs": { "workspaceOnly": true } },
        "update": { "checkOnStart": false }
      }
    EOT
  }

  volume "openclaw-state" { target = "/home/node/.openclaw" }
  tmpfs     = ["/tmp"]
  read_only = true

  depends_on "postgres" {}
  depends_on "redis" {}
  depends_on "mongo" {}

  healthcheck {
    test         = ["CMD", "node", "-e", "fetch('http://127.0.0.1:18789/healthz').then(r=>process.exit(r.ok?0:1),()=>process.exit(1))"]
    interval     = "10s"
    timeout      = "10s"
    retries      = 6
    start_period = "120s"
  }

  # What it must be able to call.
  egress = ["api.anthropic.com:443", "api.telegram.org:443"]

  auth "openclaw" { password = secret.OPENCLAW_GATEWAY_PASSWORD.value }

  # From the host; "tcp" and "ws" are others.
  probe "http" {
    port   = 18789
    path   = "/healthz"
    expect = "\"ok\":true"
  }
}

# minibot verify reports each of these until somebody accepts it, with a reason.
accept "net.egress.db-unneeded" {
  reason = "one network for all, from which the databases can call out, too; see masquerade above"
}

# What the machine itself must be. minibot changes none of it; verify looks, and says what
# to do. What its system does not have is skipped. To accept one finding, write an accept
# block with the reason: accept "host.updates" { reason = "…" }.
host {
  firewall        = !var.trial # the application firewall of macOS; ufw, firewalld or rules of its own on Linux
  disk_encryption = !var.trial # FileVault, or LUKS
  updates         = !var.trial # security updates are installed unasked

  # Of a Mac also: stealth (as firewall says), no automatic login, no sleep on mains
  # power, and nothing shared. To allow them: auto_login = true, sleep = true,
  # sharing = ["screen"]; to demand them: block_all = true, allow_signed = false.

  # A distribution's own build of an old engine may have been mended: see min_runc, too.
  min_engine = var.trial ? "20.10.24" : "28.3.3"
  min_runc   = var.trial ? "1.1.5" : "1.2.8"
}

# The only ways in from elsewhere. With required = false a way may be there and need not.

remote "tailscale" {
  required = !var.trial
  serve    = [] # ports that Tailscale may serve to your tailnet, such as [18789]; never by a funnel
  ssh      = false
}

remote "ssh" {
  destination = "minibot@mini.local"
  required    = !var.trial
}
