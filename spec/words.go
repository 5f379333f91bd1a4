package spec

// words say of a block or an attribute what the struct tags do not: what it is for, how a block looks, which value an
// attribute has if it is left out, and which it may have at all. The reference is made of both.
type words struct {
	text     string   // sentences
	example  string   // of a block
	standard string   // an attribute's default, as it would be written
	values   []string // all that there are; nil where any is good that fits the type
}

// described has words for all that can be written, by its path; "" is the file itself. A test holds that nothing is
// left out, that the examples can be read and that the defaults are those of setDefaults.
var described = map[string]words{
	"":     {text: "The whole stack of one machine. Attributes are named as in a compose file wherever compose has the thing."},
	"name": {text: "The stack's name: that of the compose project, and the beginning of the names of containers and volumes."},

	"network":            {text: "A bridge network. Even a port that is published by hand on it stays on 127.0.0.1.", example: `network "minibot-net" {}`},
	"network.internal":   {text: "Cut it off from the outside. A service that is on internal networks alone can publish no port.", standard: "false"},
	"network.subnet":     {text: "A private subnet, such as \"172.30.0.0/24\". The engine chooses one if it is left out."},
	"network.masquerade": {text: "Whether its containers can call out. With false their ports are published all the same.", standard: "true"},

	"secret":             {text: "Declares the name of a secret. The value is in a store, and read when minibot applies: secret.NAME.file is the path of a file that only the container sees, secret.NAME.value the value itself.", example: `secret "REDIS_PASSWORD" {}`},
	"secret.generate":    {text: "Whether minibot may make a random value up where there is none. Not for a key that you get elsewhere.", standard: "true"},
	"secret.description": {text: "Where a person gets it, for who is asked for it."},

	"secrets":         {text: "Which store holds the values.", example: "secrets { store = \"file\" }"},
	"secrets.store":   {text: "keychain is that of macOS, secret-service that of a Linux desktop, file an encrypted file, exec a program, env the environment; auto is keychain on a Mac and file elsewhere.", values: storeKinds},
	"secrets.command": {text: "The program of the store exec and its arguments; {name} in one of them stands for the secret's name. What it prints is the value."},

	"variable":                          {text: "An input of the spec: var.NAME. Set with -var NAME=… or MINIBOT_VAR_NAME.", example: "variable \"tag\" { default = \"17\" }"},
	"variable.type":                     {text: "string, number, bool or any, or made of them, such as list(string). Any if left out."},
	"variable.default":                  {text: "The value if nobody sets one. Without it somebody must."},
	"variable.description":              {text: "What it is for."},
	"variable.validation":               {text: "A condition that the value must meet.", example: "validation {\n  condition     = var.tag != \"latest\"\n  error_message = \"Name a version.\"\n}"},
	"variable.validation.condition":     {text: "True if the value is good. It may name this variable and nothing else."},
	"variable.validation.error_message": {text: "What to say if it is not."},

	"locals": {text: "Names for values that the spec uses several times: local.NAME. They may name each other.", example: "locals { group = 999 }"},

	"host":                 {text: "What verify asks of the machine itself. What its system does not have is skipped; an exception of your own is an accept block.", example: "host { firewall = true }"},
	"host.firewall":        {text: "A firewall must be on: the application firewall of macOS; ufw, firewalld or rules of its own on Linux.", standard: "false"},
	"host.stealth":         {text: "A Mac must be silent to those who knock at closed ports. As firewall says if left out."},
	"host.block_all":       {text: "What a Mac's firewall must be set to: to block all incoming connections, or not. Not asked if left out."},
	"host.allow_signed":    {text: "Whether a Mac's firewall must let downloaded software that is signed listen without a question, or must not. Not asked if left out."},
	"host.disk_encryption": {text: "The disk must be encrypted: by FileVault, LUKS or ZFS.", standard: "true"},
	"host.updates":         {text: "Security updates must be installed without being asked for.", standard: "true"},
	"host.auto_login":      {text: "A Mac may log a user in by itself.", standard: "false"},
	"host.sleep":           {text: "A Mac may sleep on mains power.", standard: "false"},
	"host.sharing":         {text: "What a Mac may share with others: airplay, events, files, internet, management, screen. Nothing if left out."},
	"host.min_engine":      {text: "The oldest engine that is new enough.", standard: `"` + DefaultMinEngine + `"`},
	"host.min_runc":        {text: "The oldest runc that is new enough; if left out, those in which every known way out of a container is closed."},

	"remote":             {text: "A way to reach the services from elsewhere: \"tailscale\" or \"ssh\". verify takes no other.", example: "remote \"ssh\" { destination = \"minibot@mini.local\" }"},
	"remote.required":    {text: "Whether the way must be open. With false it may be.", standard: "true"},
	"remote.destination": {text: "user@host, for \"ssh\" alone: where minibot tunnel goes."},
	"remote.serve":       {text: "The ports of this machine that Tailscale may serve to the tailnet, for \"tailscale\" alone. Never by a funnel, which is open to the internet."},
	"remote.ssh":         {text: "Whether Tailscale's own SSH server is on, for \"tailscale\" alone. It is off if left out."},

	"accept":         {text: "Accepts one finding of verify: it is still shown, and no longer counted.", example: "accept \"hard.read-only\" { reason = \"It writes beside its program.\" }"},
	"accept.service": {text: "The service that it is about; all if left out."},
	"accept.reason":  {text: "Why. It is shown in every report."},
	"accept.until":   {text: "The last day on which it holds, such as \"2027-01-31\"; for good if left out."},

	"service":                   {text: "One container, on the stack's bridge network, with limits. Privileged containers, networks and namespaces of the host, devices and the engine's socket cannot be written.", example: "service \"web\" {\n  image = \"nginx:1.29\"\n  bind { port = 8080 }\n  limits {\n    memory = \"128MB\"\n    cpus   = 0.5\n  }\n}"},
	"service.image":             {text: "The image with its tag, such as \"postgres:17\"."},
	"service.platform":          {text: "The image's platform, such as \"linux/arm64\"; the engine's own if left out."},
	"service.pull_policy":       {text: "When the image is pulled before a container is made from it.", standard: `"missing"`, values: pullPolicies},
	"service.container_name":    {text: "The container's name; STACK-SERVICE if left out."},
	"service.hostname":          {text: "The container's own name for itself."},
	"service.command":           {text: "The arguments, or the program and its arguments, instead of the image's."},
	"service.entrypoint":        {text: "The program that is started, instead of the image's."},
	"service.working_dir":       {text: "The folder in which it is started."},
	"service.env":               {text: "Environment variables by name. For a secret write its path: NAME_FILE = secret.NAME.file."},
	"service.labels":            {text: "Labels of the container by name."},
	"service.user":              {text: "Who it runs as: \"uid:gid\" in numbers, or a name that the image knows; the image's own if left out."},
	"service.group_add":         {text: "Further groups of the user."},
	"service.cap_add":           {text: "Capabilities of Linux that it keeps, such as \"NET_BIND_SERVICE\". None that owns the machine."},
	"service.cap_drop":          {text: "Capabilities that are taken away.", standard: `["ALL"]`},
	"service.read_only":         {text: "Whether the container's own file system can only be read. Give it tmpfs and volumes for what it writes.", standard: "false"},
	"service.init":              {text: "Whether a small init process starts it, and ends what it leaves behind."},
	"service.tmpfs":             {text: "Folders in memory, such as \"/tmp\" or \"/run:uid=999,mode=0750\"."},
	"service.shm_size":          {text: "How large /dev/shm is, such as \"128MB\"; the engine's default is 64MB."},
	"service.restart":           {text: "Whether the engine starts it again when it ends, and after a reboot: no, always, unless-stopped, on-failure, or on-failure:5 for five times.", standard: `"unless-stopped"`},
	"service.stop_signal":       {text: "The signal that asks it to end, such as \"SIGINT\"; the image's own if left out."},
	"service.stop_grace_period": {text: "How long it may take to end before it is killed, such as \"1m\"; the engine's default is 10 seconds."},
	"service.networks":          {text: "The networks that it is on; the stack's if it has one alone."},
	"service.extra_hosts":       {text: "Lines for /etc/hosts, such as \"nas:192.168.1.5\"; host-gateway is the machine's address."},
	"service.dns":               {text: "Addresses of DNS servers, instead of the engine's."},
	"service.egress":            {text: "What it must reach outside, such as \"api.telegram.org:443\". verify tries each."},

	"service.bind":           {text: "Publishes a port on a loopback address of the machine. Another address cannot be written.", example: "bind { port = 5432 }"},
	"service.bind.port":      {text: "The port in the container, 1 to 65535."},
	"service.bind.published": {text: "The port on the machine; the same if left out."},
	"service.bind.host_ip":   {text: "A loopback address of the machine.", standard: `"127.0.0.1"`},
	"service.bind.protocol":  {text: "The protocol.", standard: `"tcp"`, values: protocols},

	"service.limits":        {text: "What the container may take at most. Every service has this block.", example: "limits {\n  memory = \"1GB\"\n  cpus   = 1.0\n}"},
	"service.limits.memory": {text: "Memory, such as \"512MB\" or \"1.5GB\"; units are Docker's, of 1024. The swap limit is set to the same, so that it never swaps."},
	"service.limits.cpus":   {text: "Processors; 0.5 is half of one."},
	"service.limits.pids":   {text: "Processes and threads.", standard: "256"},

	"service.healthcheck":              {text: "How the engine learns whether the service works. An apply waits for it.", example: "healthcheck {\n  test     = [\"CMD\", \"redis-cli\", \"ping\"]\n  interval = \"10s\"\n}"},
	"service.healthcheck.test":         {text: "[\"CMD\", \"program\", \"argument\"], or [\"CMD-SHELL\", \"a line for the shell\"], or [\"NONE\"] to turn the image's off."},
	"service.healthcheck.interval":     {text: "How long from one test to the next; the engine's default is 30 seconds."},
	"service.healthcheck.timeout":      {text: "How long a test may take; the engine's default is 30 seconds."},
	"service.healthcheck.retries":      {text: "How many failures in a row make it unhealthy; the engine's default is 3."},
	"service.healthcheck.start_period": {text: "How long after its start a failure does not count."},

	"service.logging":         {text: "Where its output goes. If left out: json-file, in 3 files of 10 MB at most.", example: "logging {\n  driver  = \"local\"\n  options = { max-size = \"10m\" }\n}"},
	"service.logging.driver":  {text: "The log driver, such as \"json-file\" or \"local\"."},
	"service.logging.options": {text: "The driver's options by name."},

	"service.ulimit":      {text: "A resource limit of its processes, such as \"nofile\". core is 0 if not set, so that no secret is left in a core dump.", example: "ulimit \"nofile\" { soft = 64000 }"},
	"service.ulimit.soft": {text: "The limit, from 0 up; -1 is none."},
	"service.ulimit.hard": {text: "How far a process may raise it itself; the same if left out."},

	"service.volume":           {text: "A named volume. Its data outlives the container, and no command of minibot deletes it.", example: "volume \"data\" { target = \"/data\" }"},
	"service.volume.target":    {text: "The path in the container."},
	"service.volume.read_only": {text: "Whether it can only be read.", standard: "false"},

	"service.mount":           {text: "A file or folder of the machine. Not one of the system's, nor one that may hold a person's keys.", example: "mount {\n  source    = \"/srv/import\"\n  target    = \"/import\"\n  read_only = true\n}"},
	"service.mount.source":    {text: "The absolute path on the machine."},
	"service.mount.target":    {text: "The path in the container."},
	"service.mount.read_only": {text: "Whether it can only be read.", standard: "false"},

	"service.file":         {text: "A small file that only the container sees, by its path there. It may hold secrets.", example: "file \"/run/secrets/app.conf\" { content = \"password ${secret.PASSWORD.value}\\n\" }"},
	"service.file.content": {text: "The text."},
	"service.file.mode":    {text: "Who may read it, in octal as for chmod.", standard: `"0400"`},
	"service.file.uid":     {text: "The user that owns it; the service's if left out."},
	"service.file.gid":     {text: "The group that owns it; the service's if left out."},

	"service.depends_on":           {text: "Another service that this one needs: it starts after it.", example: "depends_on \"db\" {}"},
	"service.depends_on.condition": {text: "How far the other one must have come; service_healthy if it has a healthcheck, else service_started.", values: conditions},
	"service.depends_on.restart":   {text: "Restart this service when the other one was replaced.", standard: "false"},

	"service.auth":          {text: "How the service guards its port. verify tries it as a stranger, and with the password: \"postgres\", \"redis\", \"mongo\" or \"openclaw\".", example: "auth \"redis\" { password = secret.PASSWORD.value }"},
	"service.auth.user":     {text: "Who logs in; postgres and mongo need one."},
	"service.auth.database": {text: "The database of postgres; it has the user's name if left out."},
	"service.auth.password": {text: "The whole of one secret: secret.NAME.value."},

	"service.probe":         {text: "A check of your own, which verify makes: \"tcp\", \"http\" or \"ws\" from the machine, \"exec\" by a program in the container.", example: "probe \"http\" {\n  port = 80\n  path = \"/health\"\n}"},
	"service.probe.port":    {text: "The port in the container; it has a bind. For all but exec."},
	"service.probe.path":    {text: "The path of an http or ws probe.", standard: `"/"`},
	"service.probe.status":  {text: "The HTTP statuses that are good.", standard: "[200]"},
	"service.probe.send":    {text: "The first message of a ws probe."},
	"service.probe.command": {text: "The program of an exec probe, as a list. It runs as the container's user, and must change nothing."},
	"service.probe.exit":    {text: "The exit code of an exec probe that is good; 0 where it is left out."},
	"service.probe.expect":  {text: "A regular expression (RE2) that the body of an http probe, one of the first messages of a ws probe or the output of an exec probe matches."},
	"service.probe.timeout": {text: "How long an exec probe may take, 1s to 5m; 10s where it is left out."},
}
