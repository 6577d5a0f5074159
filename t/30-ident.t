# RFC 1413 from the other side: whatever an identd does, only its own host's
# clients feel it (1-registration.md 1.2).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use Identds;
use File::Temp;
use JSON::PP;
use Time::HiRes qw(time sleep);

my $FAILED  = 'Identd authentication failed. Please contact an administrator';
my $NO_TOOL = 'This service available only to tool accounts';

# While there is something in this file, one of them is late.
my $late = File::Temp->new;
sub hold    { open my $fh, '>', "$late" or die $!; print $fh 'x'; close $fh }
sub release { truncate "$late", 0 }

# Hosts, each with an identd of its own kind.
my %says = (
    '127.0.0.2' => sub { "$_[0] : USERID : UNIX : tools.alpha\r\n" },
    '127.0.0.3' => sub { my (undef, $to) = @_; sysread $to, my $end, 1; undef },    # until it is given up
    '127.0.0.4' => sub { eventually(sub { !-s "$late" }); "$_[0] : USERID : UNIX : tools.beta\r\n" },
    '127.0.0.5' => sub { "$_[0] : ERROR : NO-USER\r\n" },
    '127.0.0.6' => sub { "1, 2 : USERID : UNIX : tools.alpha\r\n" },
    '127.0.0.7' => sub { "$_[0] : USERID : UNIX : tools.alpha\r\n$_[0] : USERID : UNIX : tools.beta\r\n" },
    '127.0.0.8' => sub { "$_[0] : USERID : UNIX : visitor\r\n" },
    '127.0.0.9' => sub { 'x' x 3000 },
    '127.0.0.10' => sub { "$_[0] : USERID : UNIX : tools.alpha\0\r\n" },
);
my $identds = Identds->new(on => [keys %says], says => sub { my ($host, @asked) = @_; $says{$host}->(@asked) });

my $proxy = DynProxy->new(
    conf => { ident_port => $identds->port, ident_timeout => '2s', registrations_open_max => 4, account_prefix => '"tools."' },
);
my $backend = $proxy->backend;
my $url     = $backend->url;

sub from { Identds::from($proxy, @_) }
sub answer { DynProxy::converse(from(@_)) }
# Who has to wait for longer than ident may take, on a busy machine, asks again.
sub taken { my (@ask) = @_; my $said; eventually(sub { ($said = answer(@ask)) ne $FAILED }); return $said }
sub registered { join ' ', sort keys %{ decode_json($proxy->admin('/list')->body) } }

is taken('127.0.0.2', 'register', '.*', $url), 'ok', 'an identd that answers';
is registered(), 'alpha', 'says who it is';
my @no = (
    ['an ERROR',                  '127.0.0.5',  $FAILED],
    ['the ports of another pair', '127.0.0.6',  $FAILED],
    ['two lines',                 '127.0.0.7',  $FAILED],
    ['a user who is no tool',     '127.0.0.8',  $NO_TOOL],
    ['3000 bytes and no line',    '127.0.0.9',  $FAILED],
    ['a NUL',                     '127.0.0.10', $FAILED],
    ['no identd at all',          '127.0.0.11', $FAILED],
);
is $_->[2] eq $FAILED ? answer($_->[1], 'register', '/no', $url) : taken($_->[1], 'register', '/no', $url), $_->[2], $_->[0] for @no;

# One that is silent, one that is late, one that is quick: asked in this order,
# answered in the other.
my (@order, %reply, %after);
sub in_their_order {
    my $began  = time;
    my $bits   = '';
    hold();
    my %socket = map { $_ => from("127.0.0.$_", 'register', '.*', $url) } 3, 4, 2;
    vec($bits, fileno $_, 1) = 1 for values %socket;
    @order = ();
    while (%socket && select(my $ready = $bits, undef, undef, 10)) {
        for my $host (grep { vec($ready, fileno $socket{$_}, 1) } sort keys %socket) {
            vec($bits, fileno $socket{$host}, 1) = 0;
            $reply{$host} = DynProxy::converse(delete $socket{$host});
            $after{$host} = time - $began;
            push @order, $host;
            release() if $host == 2;
        }
    }
    release();
    return $reply{2} ne $FAILED && $reply{4} ne $FAILED;    # else: a busy machine
}
eventually(\&in_their_order);
is "@order", '2 4 3', 'the quick one first, the silent one last';
is_deeply \%reply, { 2 => 'ok', 4 => 'ok', 3 => $FAILED }, 'each gets its own answer';
cmp_ok $after{3}, '>', 1.9, 'the silent one has two seconds';
cmp_ok $after{3}, '<', 15, 'and not much more';

# The answer holds for this connection only.
is registered(), 'alpha beta', 'who has registered';
hold();
my $half = from('127.0.0.4', 'register', '/half', $url);
shutdown $half, 1;
my $gone = from('127.0.0.4', 'register', '/gone', $url);
close $gone;
release();
like DynProxy::converse($half), qr/^fail: you have closed the connection/, 'who has closed is refused';
sub registrations { $proxy->ctl_json('status')->{registrar}{registrations} }
ok eventually(sub { registrations() == 0 }), 'who has gone is forgotten';
$proxy->ctl('list', 'beta');
unlike $proxy->out, qr{/gone|/half}, 'and neither is registered';

# A host has only so many places, and no other host has fewer for it.
my @silent = map { from('127.0.0.2') } 1 .. 4;
ok eventually(sub { registrations() == 4 }), 'four silent connections of a host';
like answer('127.0.0.2', 'register', '.*', $url), qr/^fail: your host has too many/, 'are all that it may have';
is taken('127.0.0.4', 'register', '.*', $url), 'ok', 'another host has its own';
undef @silent;
ok eventually(sub { registrations() == 0 }), 'when they are gone';
is taken('127.0.0.2', 'register', '.*', $url), 'ok', 'it has places again';


# What a host says of its own ports decides who keeps them, and is counted.
my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.4', Listen => 64) or die $!;
my $its    = 'http://127.0.0.4:' . $server->sockport;
sub pruned { $proxy->metrics->{qq(dynproxy_routes_pruned_total{reason="$_[0]"})} }
sub is_stale { grep { "$_->{destination} $_->{state}" eq "$its stale" } @{ $proxy->ctl_json('list', 'alpha') // [] } }
is taken('127.0.0.2', 'register', '/its', $its), 'ok', "a port of another tool's host";
ok eventually(sub { is_stale() }, 30), 'which is beta\'s, as its identd says';
is $proxy->ctl('scrub'), 0, 'scrub';
like $proxy->out, qr{^alpha +/its .* stranger}m, 'shows it';
ok !is_stale(), 'and removes it';
is pruned('scrub'), 1, 'which is counted';
like $proxy->log, qr{route-unregistered name=alpha route=/its was=\Q$its\E\S* by=operator}, 'and told, with who did it';
is taken('127.0.0.2', 'register', '/its', $its), 'ok', 'alpha takes it once more';
is taken('127.0.0.4', 'register', '/its', $its), 'ok', 'beta registers what is its own';
ok eventually(sub { $proxy->log =~ /route-taken name=alpha/ && pruned('taken') == 1 }), 'alpha has lost it';
like $proxy->ctl_json('list', 'beta')->[-1]{destination}, qr/^\Q$its\E\/?$/, 'beta has it';
done_testing;
