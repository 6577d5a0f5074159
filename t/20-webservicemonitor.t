# webservicemonitor restarts what is missing, and nothing while it cannot tell:
# a list or a qstat that lies, hangs or floods, manifests of every bad kind
# (5-webservice.md).  qstat and sudo are stand-ins; t/30-webservice-grid.t has
# the real ones.
use FindBin;
use lib "$FindBin::Bin/lib";
use OwnNetwork;
use DynProxy;
use File::Temp;
use POSIX qw(mkfifo);

my $site = File::Temp->newdir;
chmod 0755, $site;
mkdir "$site/$_" for qw(bin homes);
my @tools = map { "t$_" } 1 .. 12;
for my $i (1 .. @tools) {
    OwnNetwork::add_user("tools.$tools[$i - 1]", 52000 + $i, "$site/homes/$tools[$i - 1]");
    mkdir "$site/homes/$tools[$i - 1]";
    chown 52000 + $i, 52000 + $i, "$site/homes/$tools[$i - 1]";
}
sub script {
    my ($name, $text) = @_;
    unlink "$site/bin/$name";
    OwnNetwork::append("$site/bin/$name", "#!/bin/sh\nPATH=/usr/bin:/bin\n$text\n");
    chmod 0755, "$site/bin/$name";
}
script('sudo', qq(echo "\$3" >> $site/started));
sub jobs { return '<job_info>' . join('', map { "<job_list><JB_name>$_->[0]</JB_name><JB_owner>$_->[1]</JB_owner><state>$_->[2]</state></job_list>" } @_) . '</job_info>' }
sub qstat { script('qstat', "cat << 'XML'\n$_[0]\nXML") }

# the proxy's list, by path
my $port = free_port();
my $list = fork // die $!;
if (!$list) {
    exec 'python3', '-c', <<'PYTHON', $port or exit 127;
import http.server, socketserver, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *words): pass
    def do_GET(self):
        bodies = {'/good': b'{"t2": {"status": "active"}}', '/empty': b'', '/array': b'["t2"]', '/cut': b'{"t2": {"st',
                  '/binary': b'{"t\xff": {}}', '/deep': b'[' * 100000, '/503': b'{}'}
        body = bodies.get(self.path, b'{"a": "')
        self.send_response(503 if self.path == '/503' else 200)
        if self.path == '/short': self.send_header('Content-Length', '1000')
        self.end_headers()
        try:
            self.wfile.write(body)
            if self.path == '/huge':
                for _ in range(100): self.wfile.write(b'x' * 1000000)
            while self.path == '/slow':
                time.sleep(0.2)
                self.wfile.write(b'x')
        except OSError: pass
class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
Server(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
PYTHON
}
END { kill 'KILL', $list if $list }
ok eventually(sub { IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") }), 'a list is served';

my ($status, $out, $err);
sub command {
    my ($path, @words) = @_;
    return ('env', "PATH=$site/bin", "$DynProxy::BUILD/webservicemonitor", '--once', '--interval', 1,
        '--homes', "$site/homes", '--state', "$site/restarts", '--list', "http://127.0.0.1:$port$path", @words);
}
sub monitor {
    unlink "$site/started";
    ($status, $out, $err) = run_command(command(@_));
    return $status;
}
sub started { return join ' ', sort split ' ', DynProxy::slurp("$site/started") }
sub manifest {
    my ($tool, $text) = @_;
    my $path = "$site/homes/$tool/service.manifest";
    unlink $path;
    OwnNetwork::append($path, $text);
    chown ((getpwnam "tools.$tool")[2, 3], $path);
}
my $wanted = "backend: gridengine\nweb: generic\nrelease: buster\n";

# --- what hangs is waited for while the rest is tried
manifest('t1', $wanted);
qstat(jobs());
sub background {
    my ($name, @command) = @_;
    my $pid = fork // die $!;
    return [$pid, $name, time] if $pid;
    open STDERR, '>', "$site/$name";
    exec @command or exit 127;
}
mkdir "$site/hangs";
OwnNetwork::append("$site/hangs/qstat", "#!/bin/sh\nexec /usr/bin/sleep 1000\n");
chmod 0755, "$site/hangs/qstat";
my @waits = (background('list-slow', command('/slow')),
    background('qstat-hangs', 'env', "PATH=$site/hangs", (command('/good'))[2 .. 11]));

# --- a list, or a qstat, that cannot be understood
for (['/empty', 'the answer is not a JSON object'], ['/array', 'the answer is not a JSON object'], ['/cut', 'the answer is not a JSON object'], ['/binary', 'the answer is not a JSON object'],
    ['/deep', 'the answer is not a JSON object'], ['/503', 'the status is 503'], ['/huge', 'the answer is too large'], ['/short', '\w.*']) {
    my ($path, $why) = @$_;
    is monitor($path), 1, "the list: $path";
    like $err, qr/list-unreadable reason="?$why/, 'is unreadable';
    is started(), '', 'and starts nothing';
}
for (['fails', "echo 'no qmaster' >&2; exit 1", 'status=1 reason="no qmaster"'], ['prints nothing', '', 'it is no XML'],
    ['prints half of it', "echo '<job_info><job_list>'", 'it is no XML'], ['prints words', 'echo error: no', 'it is no XML'],
    ['never stops', 'yes "<a/>"', 'it printed too much'], ['is killed', 'kill -9 $$', 'ended by signal 9']) {
    my ($what, $does, $why) = @$_;
    script('qstat', $does);
    is monitor('/good'), 1, "qstat $what";
    like $err, qr/qstat-unreadable .*$why/, 'is said';
    is started(), '', 'and starts nothing';
}
unlink "$site/bin/qstat";
is monitor('/good'), 1, 'no qstat';
like $err, qr/qstat-unreadable .*No such file/, 'is said';
unlink "$site/homes/t1/service.manifest";

# --- manifests: t1 and t2 want to run, and t2 does
qstat(jobs(['generic-t2', 'tools.t2', 'r'], ['generic-t1', 'visitor', 'r']));
manifest($_, $wanted) for qw(t1 t2);
manifest('t3', "web: [\n");
manifest('t4', 'x' x 70000);
manifest('t5', "backend: kubernetes\nweb: generic\n");
manifest('t6', "backend: [gridengine]\nweb: {a: b}\n");
manifest('t7', "backend: gridengine\nweb: generic\nrelease: \"x restart; reboot\"\n");
manifest('t8', $wanted);
chown 0, 0, "$site/homes/t8/service.manifest";
symlink "$site/homes/t1/service.manifest", "$site/homes/t9/service.manifest";
mkfifo("$site/homes/t10/service.manifest", 0644);
mkdir "$site/homes/t11/service.manifest";
rmdir "$site/homes/t12";
symlink "$site/homes/t1", "$site/homes/t12";
mkdir "$site/homes/$_" for '.system', 'lost+found';
is monitor('/good'), 0, 'manifests of every kind';
is started(), 'tools.t1', 'one is started';
like $err, qr/manifest-ignored tool=$_->[0] reason="?$_->[1]/, "$_->[0] is ignored"
    for ['t3', 'service.manifest: line 2'], ['t4', 'service.manifest: it has more than 65536'], ['t7', 'a strange release'],
    ['t8', 'service.manifest: it belongs to user 0'], ['t9', 'service.manifest: it is a symbolic link'],
    ['t10', 'service.manifest: it is not a regular file'], ['t11', 'service.manifest: it is not a regular file'];
unlike $err, qr/tool=t(?:5|6|12)\b/, 'others are none of ours';

# --- three times in an hour, and the tool knows
for (2, 3) {
    ok eventually(sub { monitor('/good'); started() eq 'tools.t1' }), "attempt $_";
}
ok eventually(sub { monitor('/good'); $err =~ /throttled tool=t1 restarts=3/ }), 'no fourth one';
is started(), '', 'is made';
like DynProxy::slurp("$site/homes/t1/service.log"), qr/(?:.*attempting to start it\n){3}.*the last attempt of this hour\n\z/,
    'its service.log says so';
OwnNetwork::append("$site/rubbish", "rubbish\n" x 10 . "\0\xff\n");
is monitor('/good', '--state', "$site/rubbish"), 0, 'a history of rubbish is none';
is monitor('/good', '--state', "$site/no/restarts"), 0, 'one that cannot be written';
like $err, qr/history-unwritable tool=t1/, 'is said';
is started(), '', 'and starts nothing';
is monitor('/good', '--homes', "$site/nowhere"), 0, 'no homes';
like $err, qr/homes-unreadable/, 'is said';

# --- tools that stop every process of theirs: whoever writes into their
# service.log is none that they could
my @stoppers = map { "s$_" } 1 .. 8;
for my $tool (@stoppers) {
    OwnNetwork::add_user("tools.$tool", 52020, "$site/homes/$tool");
    mkdir "$site/homes/$tool";
    chown 52020, 52020, "$site/homes/$tool";
    manifest($tool, $wanted);
}
script('qstat', "until test -e $site/go; do sleep 0.05; done\necho '" . jobs(map { ["generic-$_", "tools.$_", 'r'] } qw(t1 t2)) . "'");
unlink "$site/started";
my ($waits) = background('stopped', command('/good'));
my $stopper = fork // die $!;
if (!$stopper) {
    exec qw(setpriv --reuid=52020 --regid=52020 --clear-groups -- perl -e), <<'PERL', $waits->[0], "$site/homes/s1/ready" or exit 127;
my ($monitor, $ready) = @ARGV;
open my $file, '>', $ready or die $!;
while (open my $children, '<', "/proc/$monitor/task/$monitor/children") { kill 'STOP', split ' ', <$children> // '' }
PERL
}
ok eventually(sub { -e "$site/homes/s1/ready" }), 'one stops what it can';
OwnNetwork::append("$site/go", '');
ok eventually(sub { waitpid($waits->[0], POSIX::WNOHANG) }), 'the monitor goes on' or kill 'KILL', $waits->[0];
kill 'KILL', $stopper;
is started(), join(' ', map { "tools.$_" } @stoppers), 'and starts all of them';
ok -f "$site/homes/$_/service.log", "$_ is told" for @stoppers;

for (@waits) {
    my ($pid, $name, $since) = @$_;
    waitpid $pid, 0;
    is $? >> 8, 1, "$name: ends";
    my ($reason) = DynProxy::slurp("$site/$name") =~ /unreadable (.*)/;
    like $reason // '', qr/[Tt]ime|too long/, "$name: and is said";
}
done_testing;
