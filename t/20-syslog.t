# A syslogd that is stuck holds nobody up: who registers, asks or reloads does not
# notice; when it goes on it gets what was kept, and how much that is not
# (lib/log.h).
use FindBin;
use lib "$FindBin::Bin/lib";
use OwnNetwork;    # for a /dev of our own
use DynProxy;
use Socket qw(SOCK_DGRAM SOCK_STREAM);

use constant MANY => 600;    # lines of 500 bytes: more than are kept

my $made = File::Temp->newdir;
OwnNetwork::own_dev("$made/dev");
my $syslogd;

sub another_syslogd {
    my (@kind) = @_;
    $syslogd = IO::Socket::UNIX->new(@kind, Local => '/dev/log') or die "/dev/log: $!";
    chmod 0666, '/dev/log';
    $syslogd->blocking(0);
}
another_syslogd(Type => SOCK_DGRAM);

my $proxy = DynProxy->new(workers => 2, tools => ['alpha'], conf => { log_sink => 'syslog' });
my $backend = $proxy->backend;
my (@read, @connections, @errors);

# The log has nothing that could be complained of, since all goes to syslogd.
sub take {
    my ($line) = @_;
    push @read,   $line;
    push @errors, $line if $line =~ /^<(\d+)>/ && $1 % 8 <= 3;
    return;
}
sub drain {
    if ($syslogd->socktype == SOCK_DGRAM) {
        while (defined $syslogd->recv(my $line, 8192)) { take($line) }
        return;
    }
    while (my $connection = $syslogd->accept) {
        $connection->blocking(0);
        push @connections, { socket => $connection, bytes => '' };
    }
    for my $c (@connections) {
        while (sysread $c->{socket}, $c->{bytes}, 65536, length $c->{bytes}) { }
        take($1) while $c->{bytes} =~ s/\A([^\0]*)\0//;
    }
    return;
}
sub among { my ($pattern) = @_; drain(); return grep { $_ =~ $pattern } @read }

ok eventually(sub { among(qr/^<29>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d dynproxy\[\d+\]: master: \S/) }), 'the master is heard, as syslog(3) writes it';
ok eventually(sub { among(qr/ dynproxy\[\d+\]: worker \d: /) || among(qr/ dynproxy\[\d+\]: registrar: /) }), 'so are its children';

# Nobody reads now.
my $registrar = $proxy->registrar_pid;
my $route     = '/' . 'x' x 180 . '/.*';
my @replies   = map { $proxy->register('alpha', $route, $backend->url) } 1 .. MANY;
is_deeply [grep { $_ ne 'ok' } @replies], [], 'registrations go on';
is $proxy->ctl('reload'), 0, 'so do reloads';
is $proxy->ctl('ban', '192.0.2.0/24'), 0, 'and bans';
is $proxy->get('alpha', '/' . 'x' x 180 . '/y')->status, 200, 'requests are served';
is $proxy->registrar_pid, $registrar, 'by the same registrar';

# Somebody reads again.
sub dropped { my $lines = 0; /log-dropped lines=(\d+)/ and $lines += $1 for @read; return $lines }
ok eventually(sub { drain(); among(qr/route-registered/) + dropped() >= MANY }), 'what was kept is told, and how much was not'
    or diag scalar(among(qr/route-registered/)), ' and ', dropped();
cmp_ok dropped(), '>', 0, 'which is some';
cmp_ok scalar(among(qr/route-registered/)), '>', 50, 'but not all';
ok eventually(sub { among(qr/master: reloaded /) }), 'the reload is told';
is $proxy->unregister('alpha', $route), 'ok', 'a later change';
ok eventually(sub { among(qr/route-unregistered/) }), 'is told as ever';

# It is another one, as after an upgrade: who may look for it finds it.
close $syslogd;
unlink '/dev/log';
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'without a syslogd it goes on';
another_syslogd(Type => SOCK_DGRAM);
@read = ();
is $proxy->ctl('reload'), 0, 'a reload';
ok eventually(sub { among(qr/master: reloaded /) }), 'is told to the new one';

# One that reads streams; an upgrade leads the confined children to it, too.
close $syslogd;
unlink '/dev/log';
another_syslogd(Type => SOCK_STREAM, Listen => 64);
@read = ();
is $proxy->ctl('upgrade'), 0, 'upgrade' or diag $proxy->err;
ok eventually(sub { among(qr/: master: upgraded /) }), 'the master is heard in a stream';
is $proxy->register('alpha', $route, $backend->url), 'ok', 'a registration';
ok eventually(sub { among(qr/: registrar: route-registered /) }), 'and the registrar';

# It is stuck, too.
@read = ();
is_deeply [grep { $_ ne 'ok' } map { $proxy->register('alpha', $route, $backend->url) } 1 .. MANY], [], 'registrations go on';
ok eventually(sub { drain(); among(qr/route-registered/) + dropped() >= MANY }), 'it gets them, or hears of them'
    or diag scalar(among(qr/route-registered/)), ' and ', dropped();
is_deeply [grep { !/\A<\d+>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d dynproxy\[\d+\]: [a-z \d]+: \S+ \S[^<\n]*\z/ } @read], [], 'line by line';
is_deeply \@errors, [], 'and of no error';
my ($worker) = $proxy->worker_pids;
kill 'KILL', $worker;
ok eventually(sub { drain(); grep { /: master: child-died worker \d pid=$worker / } @errors }), 'which would be seen' or diag @errors;
ok eventually(sub { my @now = $proxy->worker_pids; @now == 2 && !grep { $_ == $worker } @now }), 'the worker is replaced';

done_testing;
