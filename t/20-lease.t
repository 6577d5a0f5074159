# A lease: the backend is there as long as the connection that registered it,
# over a restart of the registrar too (1-registration.md 1.1).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use JSON::PP;

my $proxy = DynProxy->new(
    tools  => [qw(alpha beta)],
    conf   => { lease_grace => '5s', registration_timeout => '3s' },    # which leases outlive
    expect => qr/child-died registrar/,
);
my $backend = $proxy->backend(count => 3);
my @name = map { 'backend ' . $backend->port($_) . "\n" } 0 .. 2;

sub say_to { DynProxy::say_on(@_) }
sub body   { $proxy->get($_[0], '/')->body }
sub reason { $proxy->get($_[0], '/')->reason // '' }

# Who answers, of many requests.
sub who {
    my %seen = map { $proxy->get($_[0], '/')->body => 1 } 1 .. 40;
    return join '', sort keys %seen;
}

my $one = $proxy->lease('alpha', '.*', $backend->url);
is body('alpha'), $name[0], 'routed when ok is read';
is say_to($one, 'ping'), 'ok', 'ping';
is say_to($one, 'ping', 'ping'), 'ok', 'two at once';
is say_to($one), 'ok', '  are answered twice';
like say_to($one, 'hello'), qr/^fail: ./, 'something else is refused';
is say_to($one, 'ping'), 'ok', 'and the connection stays';

my $two = $proxy->lease('alpha', '.*', $backend->url(1));
is who('alpha'), join('', sort @name[0, 1]), 'two leases are two backends';
my $list = $proxy->ctl_json('list', 'alpha');
like $_->{lease}, qr/^[\w.-]+$/, 'list says at which node' for @$list;
like decode_json($proxy->admin('/list?full=1')->body)->{alpha}{routes}[1]{lease}, qr/^[\w.-]+$/, '/list, too';

for my $url (map { $backend->url($_) } 0, 1) {
    for my $how ('drain', 'undrain') {
        is $proxy->ctl($how, $url =~ s{^http://}{}r), 0, "an operator's $how";
        like $proxy->log, qr/route-${how}ed name=alpha route=\S+ destination=\Q$url\E by=operator$/m, 'names the backend';
    }
}
is say_to($two, 'drain'), 'ok', 'drain';
like $proxy->log, qr/route-drained name=alpha route=\S+ destination=\Q@{[$backend->url(1)]}\E by=tool$/m, 'is told';
is who('alpha'), $name[0], 'nothing new goes there';
close $one;
ok eventually(sub { reason('alpha') eq 'tool-stopped' }), 'the other one is closed: nobody takes requests';
$one = $proxy->lease('alpha', '.*', $backend->url);
close $two;
ok eventually(sub { @{ $proxy->ctl_json('list', 'alpha') } == 1 }), 'closed: its backend is gone';
is who('alpha'), $name[0], 'the other one stays';
is $proxy->metrics->{'dynproxy_routes_pruned_total{reason="lease"}'}, 2, 'each that went is counted';

# The same lease once more: who was there before has lost it.
my $again = $proxy->lease('alpha', '.*', $backend->url);
is say_to($one), '', 'held by another connection: the first is closed';
is body('alpha'), $name[0], 'and the backend stays';

# Of two connections the registrar hears at once, and of the newer one first.
my $registrar = $proxy->registrar_pid;

sub newer_first {
    my ($command, $then) = @_;
    my $newer = $proxy->connect_as('alpha');
    ok eventually(sub { $proxy->ctl('registrations') == 0 && $proxy->out =~ /^alpha .* waiting .*\nalpha .* leased /m }), "another will $command";
    kill 'STOP', $registrar;
    $newer->printflush("$command\n.*\n", $backend->url, "\n");
    $then->();
    kill 'CONT', $registrar;
    is say_to($newer), 'ok', 'has it';
    return $newer;
}

# The new holder is not drained by what the old one asked for just before.
my $newer = newer_first('lease', sub { $again->printflush("drain\n") });
like say_to($again), qr/^fail: ./, 'too late to drain it';
is say_to($again), '', 'that connection is closed';
is say_to($newer, 'ping'), 'ok', 'the new one is not';
is body('alpha'), $name[0], 'and requests go there';
$again = $newer;

# Nor does the backend go with the old connection, once it is another's.
for my $command ('lease', 'register') {
    $newer = newer_first($command, sub { close $again });
    is $proxy->register('alpha', '/last', $backend->url(1)), 'ok', 'all that went before has come about';
    is body('alpha'), $name[0], "what was said by $command stays";
    is $proxy->unregister('alpha', '/last'), 'ok', 'without that one';
    $again = $newer;
}
$again = $proxy->lease('alpha', '.*', $backend->url);

is $proxy->register('alpha', '.*', $backend->url(2)), 'ok', 'register';
is who('alpha'), $name[2], 'replaces what was leased';
is say_to($again), '', 'and ends the lease';
my $leased = $proxy->lease('alpha', '.*', $backend->url);
is who('alpha'), $name[0], 'a lease replaces what was registered';
is $proxy->unregister('alpha', '.*'), 'ok', 'unregister';
is say_to($leased), '', 'ends it';
is reason('alpha'), 'tool-stopped', 'and the tool is stopped';

# Nothing is withdrawn because the registrar is not there.
my $kept = $proxy->lease('alpha', '.*', $backend->url);
my $lost = $proxy->lease('beta',  '.*', $backend->url(1));
kill 'KILL', $registrar;
is say_to($kept), '', 'registrar killed';
ok eventually(sub { my $pid = $proxy->registrar_pid; $pid && $pid != $registrar }), 'it has a successor';
is body('alpha'), $name[0], 'the leases are as they were';
$kept = $proxy->lease('alpha', '.*', $backend->url);
ok eventually(sub { reason('beta') eq 'tool-stopped' }), 'who does not come back is withdrawn after the grace';
is body('alpha'), $name[0], 'who came back is not';
$list = $proxy->ctl_json('list');
is scalar(@$list), 1, 'one route is left';
kill 'QUIT', $proxy->{pid};
ok eventually(sub { $proxy->is_dead }, 20), 'an orderly end';
is say_to($kept), '', 'closes the connection';
$proxy->abandon;
$proxy->start;
is body('alpha'), $name[0], 'but withdraws nothing, either';
$kept = $proxy->lease('alpha', '.*', $backend->url);
close $kept;
ok eventually(sub { reason('alpha') eq 'tool-stopped' }), 'until it closes';

# Without reading the answer: what comes about goes again.
for (1 .. 20) {
    my $socket = $proxy->connect_as('beta');
    $socket->print("lease\n.*\n" . $backend->url . "\n");
    $socket->flush;
    close $socket;
}
sub idle {
    my $status = $proxy->ctl_json('status')->{registrar};
    return !$status->{registrations} && !$status->{leases} && !$status->{routes};
}
ok eventually(\&idle), 'who does not wait for the answer leaves nothing';

done_testing;
