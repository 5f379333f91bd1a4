package spec

const (
	limitsAdvice = "Every container has limits for both:\n\n" +
		"  limits {\n    memory = \"1GB\"\n    cpus   = 1.0\n  }"
	noNamespace = "Namespaces of the host or of other containers cannot be shared; minibot has no switch for it."
	noDevice    = "Devices of the host cannot be given to a container; minibot has no switch for it."
)

// instead says what to write for words that people bring from compose, and for what
// minibot will not do, by the path of the word.
var instead = map[string]string{
	"services":      "Write a block for each: service \"name\" { … }.",
	"networks":      "Write network \"minibot-net\" {}.",
	"volume":        "A volume is declared where it is used: volume \"name\" { target = \"/path\" } in a service.",
	"volumes":       "A volume is declared where it is used: volume \"name\" { target = \"/path\" } in a service.",
	"version":       "The spec has no version of its own; take the line out.",
	"secret.value":  "The spec never holds a secret's value. Store it with: minibot secret set NAME.",
	"secret.file":   "The spec never holds a secret's value. Store it with: minibot secret set NAME.",
	"network.ports": "Ports are published by a service: bind { port = 5432 }.",

	"host.filevault":    "Write disk_encryption = true; it asks for FileVault on a Mac and for LUKS on Linux.",
	"host.luks":         "Write disk_encryption = true; it asks for FileVault on a Mac and for LUKS on Linux.",
	"host.remote_login": "SSH is a way in from elsewhere: write remote \"ssh\" { destination = \"user@host\" }, or leave it out.",
	"host.ssh":          "SSH is a way in from elsewhere: write remote \"ssh\" { destination = \"user@host\" }, or leave it out.",
	"remote.funnel":     "A funnel opens a port to the whole internet. minibot has no switch for it.",

	"network.driver":     "A network is always a bridge. Others put containers on the network of the house.",
	"variable.value":     "Write default = …, or give the value with -var.",
	"service.name":       "A service's name is its label: service \"postgres\" { … }.",
	"service.bind.ip":    "Write host_ip; it is 127.0.0.1 if left out.",
	"service.bind.host":  "Write host_ip for the address on the host, published for the port there.",
	"service.limits.mem": "Write memory = \"1GB\".",

	"service.bind.host_port":      "Write published for the port on the host.",
	"service.bind.target":         "Write port for the port in the container.",
	"service.bind.container_port": "Write port for the port in the container.",
	"service.volume.source":       "The volume's name is its label: volume \"postgres-data\" { target = \"/path\" }. For a folder of the host, write mount { source = … target = … }, each on its own line.",
	"service.limits.swap":         "minibot sets the swap limit to the memory limit, so that a container never swaps.",
	"service.limits.memory_swap":  "minibot sets the swap limit to the memory limit, so that a container never swaps.",

	"service.port":           "Publish a port with a bind block: bind { port = 5432 }. It is always on a loopback address.",
	"service.ports":          "Publish a port with a bind block: bind { port = 5432 }. It is always on a loopback address.",
	"service.environment":    "Write env = { NAME = \"value\" }.",
	"service.env_file":       "Write the values into env, and secrets as secret.NAME.file.",
	"service.secrets":        "Use the path of a secret, such as env = { POSTGRES_PASSWORD_FILE = secret.POSTGRES_PASSWORD.file }; that mounts it.",
	"service.volumes":        "Write volume \"name\" { target = \"/path\" } for a named volume, or a mount block with source and target for a folder of the host.",
	"service.memory":         limitsAdvice,
	"service.mem_limit":      limitsAdvice,
	"service.cpus":           limitsAdvice,
	"service.deploy":         limitsAdvice,
	"service.pids_limit":     "Write pids in the limits block.",
	"service.memswap_limit":  "minibot sets the swap limit to the memory limit, so that a container never swaps.",
	"service.build":          "minibot runs images; build one beforehand and name it in image.",
	"service.configs":        "Write file \"/path/in/container\" { content = … }.",
	"service.ulimits":        "Write ulimit \"nofile\" { soft = 64000 }.",
	"service.security_opt":   "no-new-privileges and the engine's default seccomp and AppArmor profiles are always on.",
	"service.privileged":     "A privileged container owns the machine. minibot has no switch for it; cap_add grants single capabilities.",
	"service.network_mode":   "Host and shared networks bypass the loopback binding. minibot has no switch for it; every service is on a bridge network.",
	"service.pid":            noNamespace,
	"service.ipc":            noNamespace,
	"service.uts":            noNamespace,
	"service.userns_mode":    noNamespace,
	"service.cgroup":         noNamespace,
	"service.cgroup_parent":  "Limits are set with the limits block; minibot has no switch for the cgroup's parent.",
	"service.device":         noDevice,
	"service.devices":        noDevice,
	"service.gpus":           noDevice,
	"service.use_api_socket": "Whoever may talk to the engine owns the machine; minibot has no switch for it.",
	"service.sysctls":        "minibot has no switch for kernel parameters.",
	"service.links":          "Services on one network find each other by name; take links out.",
	"service.expose":         "Services on one network reach all of each other's ports; take expose out.",
}

// required says what to write for a required argument that is missing.
var required = map[string]string{
	"name":                   "It is the name of the whole stack, such as name = \"minibot\" in the first line.",
	"service.image":          "Name it with its tag, such as image = \"postgres:17\".",
	"service.limits.memory":  limitsAdvice,
	"service.limits.cpus":    limitsAdvice,
	"service.bind.port":      "It is the port in the container, such as port = 5432.",
	"service.volume.target":  "It is the path in the container, such as target = \"/data\".",
	"service.auth.password":  "Write password = secret.NAME.value.",
	"service.logging.driver": "Write driver = \"json-file\".",
	"service.mount.source":   "It is a folder or file of the host, such as source = \"/srv/db\".",
	"service.mount.target":   "It is the path in the container, such as target = \"/data\".",
	"accept.reason":          "Say why; it is shown in every report.",
	"secrets.store":          "Write store = \"auto\".",
}

// absent are functions that people bring from Terraform and that would not be pure.
var absent = map[string]string{
	"file":         "The spec reads no other file. Put the text in here, such as between <<EOT and EOT.",
	"templatefile": "The spec reads no other file. Put the text in here, such as between <<EOT and EOT.",
	"env":          "The spec reads no environment. Declare a variable; MINIBOT_VAR_name sets it.",
	"getenv":       "The spec reads no environment. Declare a variable; MINIBOT_VAR_name sets it.",
	"timestamp":    "The spec must mean the same at any time.",
	"uuid":         "The spec must mean the same at any time.",
}

// Advice says what to write instead of a word that people bring from compose, or that minibot has no switch for it;
// empty where there is nothing to say. The word is a path, such as "service.privileged".
func Advice(word string) string { return instead[word] }
