package testbed

import (
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/go-connections/nat"
)

// Versions of what does not come from Debian. FerretDB's also stands in tools/go.mod; a test compares them.
const (
	ferretVersion   = "v1.24.2"
	openclawVersion = "2026.9.6"
	nodeVersion     = "24.21.0"
)

const entrypoint = "docker-entrypoint.sh"

// recipes returns the four images, the one that takes longest first. Users, volumes, ports, environment and
// stop signal are those of the official images (docker-library/postgres 15, redis 7, mongo 7; openclaw's
// Dockerfile), so that a spec written for those holds for these.
func recipes() []recipe {
	return []recipe{mongo(), openclaw(), postgres(), redis()}
}

func postgres() recipe {
	return recipe{
		Name: "postgres", Tag: "minibot.test/postgres:15", Official: "postgres:17",
		Config: container.Config{
			Env:          []string{pathEnv + ":/usr/lib/postgresql/15/bin", "LANG=C.UTF-8", "PG_MAJOR=15", "PGDATA=/var/lib/postgresql/data"},
			Entrypoint:   []string{entrypoint},
			Cmd:          []string{"postgres"},
			ExposedPorts: nat.PortSet{"5432/tcp": {}},
			Volumes:      map[string]struct{}{"/var/lib/postgresql/data": {}},
			StopSignal:   "SIGINT",
		},
		User: "postgres", ID: 999, Home: "/var/lib/postgresql",
		Dirs: []dir{
			{"var/lib/postgresql", 0o1777}, {"var/lib/postgresql/data", 0o1777},
			{"run/postgresql", 0o3777}, {"docker-entrypoint-initdb.d", 0o755},
		},
		Files: map[string]string{"usr/local/bin/" + entrypoint: scriptPostgres, "usr/local/lib/entrypoint.sh": scriptLib},
		Debian: []string{
			"usr/lib/postgresql/15/bin/", "usr/lib/postgresql/15/lib/", "usr/share/postgresql/15/",
			"usr/lib/locale/C.utf8/", "usr/share/zoneinfo/", "usr/bin/setpriv",
		},
		Skip: []string{"llvmjit", "/bitcode", "/man", "/zoneinfo/right", "/zoneinfo/posix"},
		From: "a configuration that listens on all addresses",
		add:  listenOnAll,
	}
}

func redis() recipe {
	return recipe{
		Name: "redis", Tag: "minibot.test/redis:7", Official: "redis:7",
		Config: container.Config{
			Env:          []string{pathEnv},
			Entrypoint:   []string{entrypoint},
			Cmd:          []string{"redis-server"},
			WorkingDir:   "/data",
			ExposedPorts: nat.PortSet{"6379/tcp": {}},
			Volumes:      map[string]struct{}{"/data": {}},
		},
		User: "redis", ID: 999, Home: "/home/redis",
		Dirs:   []dir{{"data", 0o755}},
		Files:  map[string]string{"usr/local/bin/" + entrypoint: scriptRedis, "usr/local/lib/entrypoint.sh": scriptLib},
		Debian: []string{"usr/bin/redis-server", "usr/bin/redis-cli", "usr/bin/setpriv"},
	}
}

func mongo() recipe {
	return recipe{
		Name: "mongo", Tag: "minibot.test/mongo:7", Official: "mongo:8",
		Config: container.Config{
			Env:          []string{pathEnv, "HOME=/data/db"},
			Entrypoint:   []string{entrypoint},
			Cmd:          []string{"mongod"},
			ExposedPorts: nat.PortSet{"27017/tcp": {}},
			Volumes:      map[string]struct{}{"/data/db": {}, "/data/configdb": {}},
		},
		User: "mongodb", ID: 999, Home: "/data/db",
		Dirs: []dir{{"data/db", 0o755}, {"data/configdb", 0o755}},
		Files: map[string]string{
			"usr/local/bin/" + entrypoint: scriptMongo, "usr/local/lib/entrypoint.sh": scriptLib,
			"usr/local/bin/mongosh": scriptMongosh,
		},
		Debian: []string{"usr/bin/setpriv"},
		From:   "ferretdb " + ferretVersion,
		add:    addFerret,
	}
}

func openclaw() recipe {
	const alive = `fetch('http://127.0.0.1:18789/healthz').then(r=>process.exit(r.ok?0:1)).catch(()=>process.exit(1))`
	return recipe{
		Name: "openclaw", Tag: "minibot.test/openclaw:" + openclawVersion, Official: "ghcr.io/openclaw/openclaw:" + openclawVersion,
		Config: container.Config{
			Env:          []string{pathEnv, "NODE_ENV=production", "LANG=C.UTF-8"},
			Entrypoint:   []string{"tini", "-s", "--"},
			Cmd:          []string{"node", "openclaw.mjs", "gateway"},
			User:         "node",
			WorkingDir:   "/app",
			ExposedPorts: nat.PortSet{"18789/tcp": {}},
			Healthcheck: &container.HealthConfig{
				Test:     []string{"CMD", "node", "-e", alive},
				Interval: 3 * time.Minute, Timeout: 10 * time.Second, StartPeriod: 15 * time.Second, Retries: 3,
			},
		},
		User: "node", ID: 1000, Home: "/home/node",
		Dirs: []dir{
			{"home/node", 0o755}, {"home/node/.openclaw", 0o700}, {"home/node/.openclaw/workspace", 0o700},
			{"home/node/.config", 0o700}, {"home/node/.config/openclaw", 0o700}, {"home/node/.cache", 0o755},
		},
		Links: map[string]string{
			"app/dist": "node_modules/openclaw/dist", "app/openclaw.mjs": "node_modules/openclaw/openclaw.mjs",
			"usr/local/bin/openclaw": "/app/openclaw.mjs",
		},
		Debian: []string{"usr/bin/bash", "usr/bin/tini", "usr/lib/locale/C.utf8/", "usr/share/zoneinfo/Etc/UTC"},
		From:   "openclaw " + openclawVersion + ", node " + nodeVersion,
		add:    addOpenclaw,
	}
}
