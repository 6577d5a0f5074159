# A dynproxyd for one test: own ports, own directory, gone with the test.
#
#   my $proxy   = DynProxy->new(workers => 2, tools => ['alpha']);
#   my $backend = $proxy->backend(text => 'hello');
#   is $proxy->register('alpha', '.*', $backend->url), 'ok', 'registered';
#   is $proxy->get('alpha', '/')->body, 'hello', 'served';
#   done_testing;    # adds: no sanitizer report, no error logged, all gone
#
# BUILD (build/plain) names the flavour under test.  Waiting means asking until
# it is so; nothing sleeps for luck.
package DynProxy;
use v5.26;
use warnings;

use Cwd qw(abs_path);
use Errno qw(EINTR);
use File::Basename qw(dirname);
use File::Temp;
use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON::PP;
use POSIX qw(WNOHANG);
use Scalar::Util qw(weaken);
use Test::More;
use Time::HiRes qw(sleep time);

use DynProxy::Backend;
use DynProxy::Clients;
use DynProxy::Ports qw(free_port);
use DynProxy::Response;

our $ROOT  = abs_path(dirname(__FILE__) . '/../..');
our $BUILD = abs_path(($ENV{BUILD} // '') =~ m{^/} ? $ENV{BUILD} : "$ROOT/" . ($ENV{BUILD} // 'build/plain'));
our $DOMAIN = 'example.test';
my $FIRST_UID = 61000;    # of the users that stand for tools; need not exist

our %USER = (worker => 60901, registrar => 60902, logger => 60903, lookup => 60904);    # need not exist either

my %running;              # address => weak reference

# `use DynProxy` brings Test::More along, with a done_testing of its own.
sub import {
    my $caller = caller;
    strict->import;
    warnings->import;
    feature->import(':5.26');
    Test::More->export_to_level(1);
    no strict 'refs';
    no warnings 'redefine';
    *{"${caller}::done_testing"} = \&finish;
    *{"${caller}::$_"} = \&$_ for qw(eventually run_command free_port memory_kb);
}

sub finish {
    $_->stop for grep { defined } values %running;
    Test::More::done_testing();
}

# However the test ends, its processes end with it; a second signal changes nothing.
$SIG{$_} = sub { @SIG{qw(INT TERM HUP)} = ('IGNORE') x 3; exit 1 } for qw(INT TERM HUP);
END { my $status = $?; $_->abandon for grep { defined } values %running; $? = $status }

# Ask until the answer is true; the last one is returned.
sub eventually {
    my ($ask, $seconds) = @_;
    my $until = time + ($seconds // 30);
    my $answer;
    until ($answer = $ask->()) {
        last if time > $until;
        sleep 0.01;
    }
    return $answer;
}

# Run a command; returns exit status, standard output, standard error.
sub run_command {
    my @command = @_;
    my ($out, $err) = (File::Temp->new, File::Temp->new);
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>&', $out;
        open STDERR, '>&', $err;
        open STDIN, '<', '/dev/null';
        exec { $command[0] } @command or POSIX::_exit(127);
    }
    waitpid $pid, 0;
    return ($? & 127 ? 128 + ($? & 127) : $? >> 8, map { slurp("$_") } $out, $err);
}

sub slurp {
    my ($path) = @_;
    open my $fh, '<', $path or return '';
    local $/;
    return <$fh> // '';
}

# workers   processes (1)
# tools     names that may register over the Unix socket
# tls       names of a first certificate, as ['*.example.test']; see ca
# address   to listen on (127.0.0.1)
# reg_port, admin_port   where there is a network of one's own (free ones)
# proxied   a port more, on which connections begin with a PROXY header
# tls_proxied  the same, with TLS behind it
# conf      hash of further settings, as they stand in dynproxy.conf
# program   another dynproxyd
# wrapper   array: a command to run dynproxyd under (valgrind)
# patience  seconds in which it starts, and ends (30)
# expect    regex of error lines that this test provokes
sub new {
    my ($class, %want) = @_;
    my $self = bless {
        address => '127.0.0.1',
        workers => 1,
        tools   => [],
        conf    => {},
        wrapper => [],
        program => "$BUILD/dynproxyd",
        patience => 30,
        %want,
        dir     => File::Temp->newdir('dynproxy-test.XXXXXX', TMPDIR => 1),
        owner   => $$,
    }, $class;
    chmod 0755, $self->{dir};
    mkdir "$self->{dir}/state", 0700;
    $self->{$_} //= free_port($self->{address}) for qw(http_port reg_port admin_port);
    my $uid = $> == 0 ? $FIRST_UID : $>;
    $self->{uid}{$_} = $uid++ for @{ $self->{tools} };
    $self->make_certificates if $self->{tls};
    $self->write_conf;
    $self->start;
    return $self;
}

# Its authority is $proxy->ca; Certificates.pm.
sub make_certificates {
    my ($self) = @_;
    require Certificates;
    $self->{ca} = Certificates->new("$self->{dir}/tls");
    $self->{ca}->pair('first', names => $self->{tls});
    $self->{https_port} = free_port($self->{address});
}

sub ca        { $_[0]{ca} }
sub conf_path { $_[0]{dir} . '/dynproxy.conf' }
sub log_path  { $_[0]{dir} . '/log' }
sub log       { slurp($_[0]->log_path) }
sub host      { "$_[1].$DOMAIN" }
sub socket_path { "$_[0]{dir}/$_[1].sock" }

sub write_conf {
    my ($self) = @_;
    my %conf = (
        %{ $self->default_conf },
        %{ $self->{conf} },
    );
    open my $fh, '>', $self->conf_path or die $!;
    print $fh "$_ = $conf{$_}\n" for sort grep { defined $conf{$_} } keys %conf;
    close $fh or die $!;
}

# Other settings, in the file; it goes by them when it is told to.
sub configure {
    my ($self, %conf) = @_;
    $self->{conf} = { %{ $self->{conf} }, %conf };
    $self->write_conf;
}

sub list { '{ ' . join(', ', map { qq("$_") } @_) . ' }' }

sub default_conf {
    my ($self) = @_;
    my $on = $self->{address};
    return {
        http                => list("$on:$self->{http_port}", $self->{proxied} ? "$on:$self->{proxied} proxy" : ()),
        https               => $self->{tls}
            ? list("$on:$self->{https_port}", $self->{tls_proxied} ? "$on:$self->{tls_proxied} proxy" : ()) : '{}',
        tls_directory       => qq("$self->{dir}/tls"),
        registration        => list("$on:$self->{reg_port}", $self->socket_path('register')),
        admin               => list("$on:$self->{admin_port}"),
        control_socket      => '"' . $self->socket_path('control') . '"',
        master_socket       => '"' . $self->socket_path('master') . '"',
        access_log          => '""',
        drain_timeout       => '5s',
        log_sink            => 'stderr',
        pid_file            => qq("$self->{dir}/pid"),
        state_directory     => qq("$self->{dir}/state"),
        web_domain          => list($DOMAIN),
        workers             => $self->{workers},
        local_tools         => list(map { "$self->{uid}{$_}:$_" } @{ $self->{tools} }),
        backend_networks    => list('127.0.0.0/8'),
        rate_limit          => 1000000,    # a test is one client
        rate_burst          => 1000000,
        tls_handshake_rate  => 0,
        map({ ("registration_$_" => 65536) } qw(connects rate burst)),    # and registers more than a tool does
        client_connections_max => 0,
        loop_lag_max        => '1m',       # on a machine that may be slow
        ident_timeout       => '10s',      # the same
        map({ ("user_$_" => qq("$USER{$_}")) } keys %USER),
        keepalive_timeout_calm => $self->{conf}{keepalive_timeout} // '15s',
    };
}

sub start {
    my ($self) = @_;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>>', $self->log_path;
        open STDERR, '>&', \*STDOUT;
        open STDIN, '<', '/dev/null';
        $ENV{JOURNAL_STREAM} = '0:0';    # lines begin with their priority
        my @command = (@{ $self->{wrapper} }, $self->{program}, '-F', '-c', $self->conf_path);
        exec { $command[0] } @command or POSIX::_exit(127);
    }
    $self->{pid} = $pid;
    weaken($running{ 0 + $self } = $self);
    # one that answers is not all: others may not be confined yet, nor counted,
    # and until all have begun it refuses to reload
    eventually(sub { $self->is_dead || $self->is_ready && $self->none_is(qr/\b(?:starting|waiting)\b/) }, $self->{patience});
    return if !$self->is_dead && $self->is_ready;
    $self->abandon;
    die "dynproxyd did not start:\n" . $self->log;
}

# Nobody has this name: 503 until the routes are loaded, then 404, or what the
# default backend says.
sub is_ready {
    my ($self) = @_;
    my $status = $self->get('nobody', '/')->status;
    return $status && $status != 503;
}

sub is_dead {
    my ($self) = @_;
    return 1 if !$self->{pid};
    return 0 if waitpid($self->{pid}, WNOHANG) == 0;
    $self->{status} = $?;
    delete $self->{pid};
    return 1;
}

# End it and look back: everything that must hold of every run.  Gracefully, so
# that every process comes to its end, where a sanitizer looks for leaks.
sub stop {
    my ($self, $signal) = @_;
    delete $running{ 0 + $self } or return;
    my @family = $self->{pid} ? ($self->{pid}, descendants($self->{pid})) : ();
    kill $signal // 'QUIT', $self->{pid} if $self->{pid};
    my $ended = eventually(sub { $self->is_dead }, $self->{patience});
    ok $ended, 'dynproxyd ended when told to' or $self->abandon;
    is $self->{status}, 0, 'and said that all was well' if $ended;
    ok eventually(sub { !grep { kill 0, $_ } @family }, 5), 'all its processes are gone'
        or diag "still there: @{[grep { kill 0, $_ } @family]}";
    my @bad = $self->complaints;
    is "@bad[0 .. ($#bad > 4 ? 4 : $#bad)]", '', 'it complained of nothing'
        or diag $self->log;
}

# Lines of its log that a good run does not have.  That a Redis had no time, or
# its disk, is none of them.
sub complaints {
    my ($self) = @_;
    my $expect = $self->{expect} // qr/(?!)/;
    return grep {
        /Sanitizer|runtime error:|Assertion|^<[0-3]>(?!.* redis-lost .*: no answer within a second$)/ && $_ !~ $expect
    } split /^/, $self->log;
}

# The test failed half-way: no questions, just an end.
sub abandon {
    my ($self) = @_;
    delete $running{ 0 + $self };
    return if !$self->{pid} || $$ != $self->{owner};
    my @family = ($self->{pid}, descendants($self->{pid}));
    kill 'KILL', @family;
    waitpid $self->{pid}, 0;
    delete $self->{pid};
    # a port is free when the last of them has let go of it
    eventually(sub { !grep { kill 0, $_ } @family }, 5);
}

sub DESTROY {
    my ($self) = @_;
    return if $$ != $self->{owner};
    ${^GLOBAL_PHASE} eq 'DESTRUCT' ? $self->abandon : $self->stop;
}

# Ends of pipes that a worker has open: bodies go through them.
sub pipes {
    my ($self) = @_;
    my ($worker) = grep { slurp("/proc/$_/cmdline") =~ /worker/ } descendants($self->{pid});
    return scalar grep { (readlink($_) // '') =~ /^pipe:/ } glob "/proc/$worker/fd/*";
}

sub descendants {
    my ($of) = @_;
    my @children = map { split } map { slurp($_) } glob "/proc/$of/task/*/children";
    return map { ($_, descendants($_)) } @children;
}

# --- what a tool says ---------------------------------------------------

# Over the Unix socket, as the user who stands for the tool; the reply.
sub register {
    my ($self, $tool, $route, $url, $verb) = @_;
    return $self->say_lines($tool, $verb // 'register', $route, $url);
}

sub unregister {
    my ($self, $tool, $route) = @_;
    return $self->say_lines($tool, 'unregister', $route);
}

sub say_lines {
    my ($self, $tool, @lines) = @_;
    return converse($self->connect_as($tool), map { "$_\n" } @lines);
}

# A connection to the registration socket, as the tool's user.
sub connect_as {
    my ($self, $tool) = @_;
    local $> = $self->{uid}{$tool} // die "$tool is none of my tools";
    return IO::Socket::UNIX->new(Peer => $self->socket_path('register')) || die "register.sock: $!";
}

# A lease: keep what is returned, or lose it.
sub lease {
    my ($self, $tool, $route, $url) = @_;
    my $socket = $self->connect_as($tool);
    my $answer = say_on($socket, 'lease', $route, $url);
    return $answer eq 'ok' ? $socket : die "lease: $answer\n";
}

# Say lines on a connection that stays; the line that comes back, '' at the end.
sub say_on {
    my ($socket, @lines) = @_;
    local $SIG{PIPE} = 'IGNORE';
    local $SIG{ALRM} = sub { die "no answer\n" };
    alarm 20;
    $socket->print(map { "$_\n" } @lines);
    $socket->flush;
    my $answer = <$socket> // '';
    alarm 0;
    chomp $answer;
    return $answer;
}

# Send, read to the end.
sub converse {
    my ($socket, @bytes) = @_;
    die "no connection: $!\n" if !$socket;
    local $SIG{PIPE} = 'IGNORE';
    local $SIG{ALRM} = sub { die "no end of the answer\n" };
    alarm 60;
    $socket->print(@bytes);
    $socket->flush;
    my $answer = '';
    my $n;
    do { $n = $socket->sysread($answer, 65536, length $answer) } while $n || !defined $n && $! == EINTR;
    alarm 0;
    return $answer;
}

# --- what an operator says ----------------------------------------------

# Returns the exit status; out, err and json have what it said.
sub ctl {
    my ($self, @words) = @_;
    (my $status, @$self{qw(out err)}) =
        run_command("$BUILD/dynproxyctl", '-c', $self->conf_path, @words);
    return $status;
}

sub out { $_[0]{out} }
sub err { $_[0]{err} }

sub ctl_json {
    my ($self, @words) = @_;
    $self->ctl('--json', @words);
    return eval { decode_json($self->{out}) };
}

# What it says of its Redis: nothing, if it does not answer or has none.
sub redis_status { (($_[0]->ctl_json('status') // {})->{registrar} // {})->{redis} // {} }

# What stands before a command that a process of another user is open to.
sub as_user_of {
    my ($pid) = @_;
    my ($uid, $gid) = map { slurp("/proc/$pid/status") =~ /^$_:\s+(\d+)/m } qw(Uid Gid);
    return ('setpriv', "--reuid=$uid", "--regid=$gid", '--clear-groups');
}

# role: 'worker' or 'registrar'
sub pids {
    my ($self, $role) = @_;
    my $status = $self->ctl_json('status') or return;
    return map { $_->{pid} || () } grep { $_->{state} =~ /^\Q$role\E\b/ } @{ $status->{processes} };
}

# Its processes are known, and none is in such a state.
sub none_is { my ($self, $state) = @_; my $all = ($self->ctl_json('status') // {})->{processes}; return $all && !grep { $_->{state} =~ $state } @$all }

# Every process is ready, and none of a former configuration is left.
sub settled { my ($self) = @_; return eventually(sub { $self->none_is(qr/^(?!.*\bready\b)/) }) }
sub worker_pids   { $_[0]->pids('worker') }
sub registrar_pid { ($_[0]->pids('registrar'))[0] }

# What a process has in memory.
sub memory_kb { my ($pid) = @_; my ($kb) = slurp("/proc/$pid/status") =~ /^VmRSS:\s+(\d+)/m; $kb }

# Each sample of the metrics, by its name with labels.
sub metrics {
    my ($self) = @_;
    my $text = $self->admin('/metrics')->body;
    my %value;
    $value{$1} = $2 while $text =~ /^([a-z0-9_]+(?:\{[^}]*\})?) (\S+)$/mg;
    return \%value;
}

# The answer to a GET on port 8081.
sub admin {
    my ($self, $path, %headers) = @_;
    my $socket = $self->connect($self->{admin_port}) or return;
    return DynProxy::Response->new(
        converse($socket, "GET $path HTTP/1.1\r\nHost: admin\r\n" . join('', map { "$_: $headers{$_}\r\n" } sort keys %headers) . "Connection: close\r\n\r\n"));
}

# --- what a browser says --------------------------------------------------

sub connect {
    my ($self, $port) = @_;
    return IO::Socket::INET->new(PeerAddr => $self->{address},
        PeerPort => $port // $self->{http_port}, Proto => 'tcp', Timeout => 10);
}

# One request on a connection of its own.
sub request {
    my ($self, $method, $tool, $path, %with) = @_;
    my $socket = $self->connect or return DynProxy::Response->new('');
    my $body = $with{body} // '';
    my $head = "$method $path HTTP/1.1\r\nHost: " . $self->host($tool) . "\r\nConnection: close\r\n";
    $head .= "$_: $with{headers}{$_}\r\n" for sort keys %{ $with{headers} // {} };
    $head .= 'Content-Length: ' . length($body) . "\r\n" if exists $with{body};
    return DynProxy::Response->new(converse($socket, "$head\r\n", $body), $method);
}

sub get { my ($self, $tool, $path, @with) = @_; $self->request('GET', $tool, $path, @with) }

# The same by TLS, with curl(1), which checks the certificate; more options.
# Returns exit status, and what it wrote.
sub curl {
    my ($self, $tool, $path, @options) = @_;
    my $host = $self->host($tool);
    return run_command('curl', '-sS', '--cacert', $self->ca->file, '--noproxy', '*', '--max-time', 20,
        '--resolve', "$host:$self->{https_port}:$self->{address}", @options,
        "https://$host:$self->{https_port}$path");
}

# Bytes as they are, and all that comes back until the end.
sub raw {
    my ($self, $bytes) = @_;
    return converse($self->connect, $bytes);
}

# What a connection that stays is answered; the body ends with hello.
sub ask {
    my ($self, $socket, $tool) = @_;
    $socket->printflush("GET / HTTP/1.1\r\nHost: " . $self->host($tool // 'alpha') . "\r\n\r\n");
    my $answer = '';
    while ($answer !~ /hello$/) { $socket->sysread($answer, 65536, length $answer) or last }
    return $answer;
}

# Which process accepted this connection of ours.
sub worker_of {
    my ($self, $socket) = @_;
    my @ask = ('ss', '-Htnp', "sport = :$self->{http_port} and dport = :" . $socket->sockport);
    return eventually(sub { (run_command(@ask))[1] =~ /pid=(\d+)/ ? $1 : 0 });    # until it was accepted
}

# How many client connections a process has.
sub connections_of {
    my ($self, $pid) = @_;
    my (undef, $out) = run_command('ss', '-Htnp', 'state', 'established', "sport = :$self->{http_port}");
    return scalar(() = $out =~ /pid=$pid,/g);
}

# Many at once: t/client.c says what there is.
sub clients {
    my ($self, $mode, $tool, @with) = @_;
    return DynProxy::Clients->new($self, $mode, $tool, @with);
}

# --- who answers ----------------------------------------------------------

sub backend {
    my ($self, %want) = @_;
    return DynProxy::Backend->new($BUILD, %want);
}

1;
