# The units under a real systemd: start, reload, stop, watchdog, sockets that it
# opens; and its fd store: after kill -9 of the master its workers serve on, and
# the next one takes over with nothing refused and nothing failed
# (3-processes.md).
use FindBin;
use lib "$FindBin::Bin/lib";
use OwnNetwork;
use DynProxy;
use IO::Socket::INET;
use Load;
use Systemd;

$SIG{PIPE} = 'IGNORE';
my $systemd = Systemd->new;
my $root    = $systemd->root;
is +(run_command('make', '-s', '-C', $DynProxy::ROOT, 'install', "BUILD=$DynProxy::BUILD", "DESTDIR=$root", 'prefix=/usr'))[0],
    0, 'make install';
is +(run_command('systemd-sysusers', "--root=$root", "$root/usr/lib/sysusers.d/dynproxy.conf"))[0], 0, 'systemd-sysusers';
is +(run_command('systemd-tmpfiles', '--create', "--root=$root", "$root/usr/lib/tmpfiles.d/dynproxy.conf"))[0],
    0, 'systemd-tmpfiles';

my $conf = '/etc/dynproxy/dynproxy.conf';
my %conf = (http => '"127.0.0.1:80"', https => '{}', registration => '"127.0.0.1:8282"', admin => '"127.0.0.1:8081"',
    web_domain => 'example.test', backend_networks => '{"127.0.0.0/8"}', workers => 2, rate_limit => 1000000,
    rate_burst => 1000000, client_connections_max => 0, keepalive_timeout => '5m', keepalive_timeout_calm => '5m');
sub configure {
    %conf = (%conf, @_);
    $systemd->write($conf, join '', map { "$_ = $conf{$_}\n" } grep { defined $conf{$_} } sort keys %conf);
}
configure();
$systemd->boot;

my $backend = DynProxy::Backend->new($DynProxy::BUILD, text => 'hello');
my $unit    = 'dynproxy.service';
my $master;
sub systemctl { my @said = $systemd->run('systemctl', @_); diag "@_: @said[1, 2]" if $said[0] && !wantarray; return $said[0] }
sub state     { $systemd->show('ActiveState', $unit) }
sub master    { $systemd->show('MainPID', $unit) }
sub end_master {
    my ($signal) = @_;
    $master = master() || die "there is no master\n";
    $systemd->run('kill', "-$signal", $master);
}
sub other_master { my $now = master(); return $now && $now != $master && state() eq 'active' }
sub ctl       { return ($systemd->run('dynproxyctl', @_))[0] }
sub journal   { return ($systemd->run('journalctl', '-o', 'cat', '-u', $unit))[1] }

# Processes of a role, by their numbers inside.
sub pids {
    my ($role) = @_;
    my (undef, $out) = $systemd->run('pgrep', '-f', "^dynproxyd: $role");
    return sort { $a <=> $b } split ' ', $out;
}
# who is only being buried yet, perhaps slowly, has no command line
sub running { my (undef, $out) = $systemd->run('pgrep', '-f', '^[^[ ]*dynproxyd'); return split ' ', $out }
# workers that know of another master than theirs
sub replaced { return scalar(() = journal() =~ /: master-replaced /g) }

# What a process has open of this kind, by inode: sockets that listen, memory.
sub inodes {
    my ($pid, $what) = @_;
    my (undef, $out) = $systemd->run('sh', '-c', 'for f in /proc/$1/fd/*; do echo $(readlink $f) $(stat -L -c %i $f); done', '-', $pid);
    return join ' ', sort grep { $what eq 'memory' ? m{^/memfd:dynproxy-(?:table|counters|limits) } : /^socket:/ } split /^/, $out;
}

sub request {
    my ($port) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port // 80, Timeout => 20) or return "refused: $!";
    return DynProxy::converse($socket, "GET / HTTP/1.1\r\nHost: alpha.example.test\r\nConnection: close\r\n\r\n");
}
sub served { return request(@_) =~ /^HTTP\/1.1 200 .*hello$/s }

# --- start, reload
is systemctl('start', $unit), 0, 'start' or diag journal();
is state(), 'active', 'it says when it is ready';
is $systemd->show('StatusText', $unit), 'serving with 2 workers', 'and what it does';
is ctl('add', 'alpha', '.*', $backend->url), 0, 'a route';
ok served(), 'it serves';
$master = master();
configure(response_headers => '{"set X-Round: 1"}');
is systemctl('reload', $unit), 0, 'reload';
like request(), qr/^X-Round: 1\r$/m, 'is in force';
configure(body_timeout => '1x');
isnt +(systemctl('reload', $unit))[0], 0, 'reload of a broken one fails';
is state(), 'active', 'and nothing else happens';
ok served(), 'it serves';
configure(body_timeout => undef);
is systemctl('reload', $unit), 0, 'mended';
is master(), $master, 'it is the same process';

# --- the master is killed
ok eventually(sub { $systemd->show('NFileDescriptorStore', $unit) > 15 }), 'systemd keeps sockets and memory';
my @loads = (Load->new(Load::requests(\&served)),
    Load->new(Load::requests(sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => 8282, Timeout => 20) })));
my $kept = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => 80) or die $!;
$kept->printflush("GET / HTTP/1.1\r\nHost: alpha.example.test\r\n\r\n");
ok defined $kept->sysread(my $first, 65536), 'a connection is kept';
for my $round (1 .. 2) {
    my @before = ([pids('worker')], inodes(master(), 'memory'));
    end_master('KILL');
    ok eventually(\&other_master, 60), "round $round: the master is another one" or diag journal();
    is inodes(master(), 'memory'), $before[1], 'with the shared memory of before';
    is ctl('add', "beta$round", '.*', $backend->url), 0, 'and there is a registrar';
    my @loggers = pids('logger');
    is scalar(@loggers), 1, 'and one logger, not that of before, too, which would write lines once more';
    next if $round == 2;
    ok eventually(sub { replaced() == $conf{workers} }), 'its workers know of it';
    like +($systemd->run('dynproxyctl', 'status'))[1], qr/orphaned/, 'status shows the worker that still has a client';
    $kept->printflush("GET / HTTP/1.1\r\nHost: alpha.example.test\r\n\r\n");
    like DynProxy::converse($kept), qr/^Connection: close\r$/m, 'which answers a last time';
    ok eventually(sub { my %old = map { $_ => 1 } @{ $before[0] }; !grep { $old{$_} } pids('worker') }, 30), 'then they are gone';
    ok eventually(sub { ($systemd->run('dynproxyctl', 'status'))[1] !~ /orphaned/ }), 'in status, too';
}
my @counts = map { [$_->finish] } @loads;
cmp_ok $counts[0][0], '>', 100, "$counts[0][0] requests";
is $counts[0][1], 0, 'none failed';
cmp_ok $counts[1][0], '>', 100, "$counts[1][0] connections for registrations";
is $counts[1][1], 0, 'none was refused';

# --- it hangs
end_master('STOP');
ok served(), 'the master hangs: workers serve';
ok eventually(\&other_master, 60), 'the watchdog finds it, and there is another one' or diag journal();
ok served(), 'which serves';

# --- killed, and no other one can start: workers and logger of before go on
sub store { $systemd->run('sh', '-c', "cd /var/lib/dynproxy && $_[0]") }
sub logged { return ($systemd->run('cat', '/var/log/dynproxy/access.log'))[1] }
store('mkdir kept && mv routes.sqlite* kept && mkdir routes.sqlite');
my @left;
end_master('KILL');
ok eventually(sub { served(); journal() =~ /Start request repeated too quickly/ }, 60), 'systemd gives it up' or diag journal();
unlike logged(), qr/ 503 /, 'no client was told that no tool is known';
ok served(), "request $_" for 1 .. 4;
@left = pids('logger');
is scalar(@left), 1, 'there is a logger';
my $lines = () = logged() =~ /^/mg;
ok served(), 'one more';
ok eventually(sub { $lines < (() = logged() =~ /^/mg) }), 'which is in the log';
store('rmdir routes.sqlite && mv kept/* .');
push @left, pids('worker');
systemctl('reset-failed', $unit);
is systemctl('start', $unit), 0, 'a start that can be' or diag journal();
ok eventually(sub { my %now = map { $_ => 1 } running(); !grep { $now{$_} } @left }), 'takes their place';

# --- killed twice, with a client each time: memory is begun anew, and the logger
# of before is there as long as its workers are
sub download {
    my $client = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => 80) or die $!;
    $client->printflush("GET /bytes/50000000 HTTP/1.1\r\nHost: alpha.example.test\r\n\r\n");
    $client->sysread(my $head, 65536);
    return $client;
}
my @clients;
for (1 .. 2) {
    push @clients, download();
    end_master('KILL');
    ok eventually(\&other_master, 60), 'killed with a client' or diag journal();
}
like journal(), qr/two generations of them/, 'of two generations';
my @loggers = pids('logger');
is scalar(@loggers), 2, 'each has a logger';
@clients = ();
ok eventually(sub { @loggers = pids('logger'); @loggers == 1 }), 'until its workers have ended';

# --- stop, with a worker of a dead master, who has a client
$kept = download();
end_master('KILL');
ok eventually(\&other_master, 60), 'killed once more' or diag journal();
is systemctl('stop', $unit), 0, 'stop';
is state(), 'inactive', 'it is';
is_deeply [running()], [], 'no process is left, of a master before, either';
unlike request(), qr/HTTP/, 'nobody listens';

# --- sockets by name; an address that the settings do not have
$systemd->write('/etc/systemd/system/dynproxy.socket',
    "[Socket]\nListenStream=127.0.0.1:81\nFileDescriptorName=http\nService=$unit\n");
systemctl('daemon-reload');
is systemctl('start', 'dynproxy.socket'), 0, 'systemd opens a socket';
like request(81), qr/^HTTP/, 'its first client starts the service';
ok eventually(sub { served(81) }), 'which serves' or diag journal();
unlike request(80), qr/HTTP/, 'which opens none of its own for that setting';
is systemctl('stop', 'dynproxy.socket', $unit), 0, 'stop';

# --- as one user
$systemd->run(qw(rm -r /var/lib/dynproxy /var/log/dynproxy));
$unit = 'dynproxy-single.service';
is systemctl('start', $unit), 0, $unit or diag journal();
is ctl('add', 'alpha', '.*', $backend->url), 0, 'a route';
ok served(), 'it serves';
end_master('KILL');
ok served(), 'without its master';
ok eventually(\&other_master, 60), 'there is another one' or diag journal();
ok served(), 'and serves';
is systemctl('stop', $unit), 0, 'stop';
is_deeply [running()], [], 'no process is left';
undef $systemd;
done_testing;
