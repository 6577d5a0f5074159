# QUIT: clients are told to leave in the words of their protocol, and it ends
# well whatever it interrupts: a reload, an upgrade (3-processes.md).
use FindBin;
use lib "$FindBin::Bin/lib";
use Caught;
use DynProxy;
use Installed;
use IPC::Open2;

# A program's output, line by line; it ends with its standard input.
sub start {
    my (@command) = @_;
    my $pid = open2(my $said, my $keep, @command);
    return { pid => $pid, keep => $keep, said => $said };
}

sub line {
    my ($program) = @_;
    my $line = readline $program->{said};
    chomp $line if defined $line;
    return $line // '';
}

# What it says to its end: each line is a promise.
sub promises {
    my ($program, $count) = @_;
    my @lines = readline $program->{said};
    waitpid $program->{pid}, 0;
    chomp @lines;
    like $_, qr/^ok /, $_ =~ s/^(?:not )?ok //r for @lines;
    is scalar(@lines), $count, "$count promises";
}

# --- what clients are told
my ($proxy, $calm) = map {
    DynProxy->new(workers => 2, tools => [qw(ws alpha)], tls => ['*.example.test'],
        conf => { drain_timeout => $_, https_redirect => 'off' })
} '2s', '40s';
my $server  = start("$FindBin::Bin/websocket.py", 'server');
my $backend = $proxy->backend;
is $proxy->register('ws', '.*', 'http://127.0.0.1:' . line($server)), 'ok', 'a tool that echoes';
is $calm->register('alpha', '.*', $backend->url), 'ok', 'another tool';
my @websockets = map { start("$FindBin::Bin/websocket.py", 'left', 'ws.example.test', @$_) }
    [$proxy->{http_port}], [$proxy->{https_port}, $proxy->ca->file];
my $h2 = start("$FindBin::Bin/h2_quit.py", $calm->{https_port}, 8);
is line($_), 'there', 'clients are there' for @websockets, $h2;
kill 'QUIT', $proxy->{pid}, $calm->{pid};
promises($h2, 8 * 4);
promises($_, 4) for @websockets;
$_->stop('QUIT') for $proxy, $calm;
close $server->{keep};
waitpid $server->{pid}, 0;

# --- while something else is under way
# One that serves a slow request, and is told to QUIT while dynproxyctl waits:
# the exit status of that, or nothing when it was too quick for us.
my $slow = $proxy->backend(after_ms => 1500);
sub quit_during {
    my ($role, $prepare, @command) = @_;
    my $installed = Installed->new("$DynProxy::BUILD/dynproxyd");
    my $under = DynProxy->new(tools => ['alpha'], program => $installed->path, conf => { drain_timeout => '20s' },
        expect => qr/reload-refused|upgrade-|child-hangs/);
    $under->register('alpha', '.*', $slow->url);
    my $request = $under->connect;
    $request->printflush("GET / HTTP/1.1\r\nHost: alpha.example.test\r\n\r\n");
    eventually(sub { $under->connections_of(($under->worker_pids)[0]) == 1 });
    $prepare->($under);
    my $caught = Caught->new($under, $role, @command);
    kill 'QUIT', $under->{pid};
    eventually(sub { $under->log =~ / draining /}, 30);
    kill 'CONT', $caught->pid if $caught->pid;
    my $refused = eventually(sub { !$under->connect });
    my $answer  = DynProxy::Response->new(DynProxy::converse($request, ''));
    $request->close;    # or it is waited for
    my ($exit) = $caught->finish;
    my $late = $under->log =~ /(?:reloaded|reloading|upgraded) .*draining /s
        || $role eq 'probe' && $under->log =~ / contained .* contained /s;    # by another program
    is $answer->status, 200, 'the request under way is answered' or diag $under->log;
    ok $refused, 'others are refused';
    ok eventually(sub { $under->is_dead }, 40), 'it ends';
    my @order = $under->log =~ /child-ended (worker|registrar|logger)/g;
    is $order[-1], 'registrar', "the registrar last: @order";
    $under->stop;
    return $caught->pid && !$late ? $exit : ();
}
sub request_line { my ($under) = @_; $under->{conf}{request_line_max} = '4k'; $under->write_conf }

for my $try (
    [75, 'a reload',   'worker', \&request_line, 'reload'],
    [75, 'an upgrade', 'probe',  sub { },        'upgrade'],
    [75, 'an upgrade whose registrar begins', 'registrar', sub { }, 'upgrade'],
    ) {
    my ($wanted, $what, @how) = @$try;
    my ($exit) = map { quit_during(@how) } 1;
    ($exit) = quit_during(@how) for grep { !defined $exit } 1 .. 4;
    is $exit, $wanted, "QUIT during $what: who asked for that is told";
}

# --- while workers that a reload has replaced still drain
my $again = DynProxy->new(tools => ['alpha'], conf => { drain_timeout => '20s' });
is $again->register('alpha', '.*', $slow->url), 'ok', 'a slow tool';
my $request = $again->connect;
$request->printflush("GET / HTTP/1.1\r\nHost: alpha.example.test\r\n\r\n");
ok eventually(sub { $again->connections_of(($again->worker_pids)[0]) == 1 }), 'a request is under way';
request_line($again);
is $again->ctl('reload'), 0, 'other workers' or diag $again->err;
kill 'QUIT', $again->{pid};
is +DynProxy::Response->new(DynProxy::converse($request, ''))->status, 200, 'the old ones answer it';
$request->close;
$again->stop('QUIT');
done_testing;
