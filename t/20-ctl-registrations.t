# dynproxyctl registrations shows who is connected to register, and stop ends
# dynproxyd and returns when it has ended (4-operations.md 4.2).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use JSON::PP;

my @many  = map { "many$_" } 0 .. 4;
my $proxy = DynProxy->new(tools => ['alpha', 'beta', @many], conf => { registration_timeout => '"1m"' });
my $backend = $proxy->backend;

sub registrations {
    $proxy->ctl('--json', 'registrations') == 0 or die $proxy->err;
    return [map { decode_json($_) } split /\n/, $proxy->out];
}

ok eventually(sub { !@{ registrations() } }), 'nobody is there';
my $lease = $proxy->lease('alpha', '.*', $backend->url);
my ($held) = @{ registrations() };
is join(' ', map { $_ // 'null' } @$held{qw(tool state last lease)}), 'alpha leased lease ' . $backend->url, 'who holds a lease';
like $held->{peer}, qr/^uid \d+$/, 'which local user that is';
like $held->{age}, qr/^\d+$/, 'for how long';
DynProxy::say_on($lease, 'ping');
is registrations()->[0]{last}, 'ping', 'what was said last';

my $silent = $proxy->connect_as('beta');
ok eventually(sub { @{ registrations() } == 2 }), 'who says nothing yet is there, too';
is join(' ', map { $_ // 'null' } @{ registrations()->[0] }{qw(tool state last lease)}), 'beta waiting null null', '  and is shown first';
is $proxy->ctl('registrations'), 0, 'for people';
like $proxy->out, qr{^TOOL +PEER +AGE +STATE +LAST +LEASE\nbeta +uid \d+ +\d+s +waiting +- +-\nalpha +uid \d+ +\d+[sm] +leased +ping +http://}, 'a line each, and titles';
close $_ for $silent, $lease;
ok eventually(sub { !@{ registrations() } }), 'they are gone';

my @leases = map { $proxy->lease($many[$_ % 5], "/$_.*", $backend->url) } 1 .. 150;
my $all = registrations();
is scalar @$all, 150, 'more than an answer has in one piece';
is scalar(grep { $_->{state} eq 'leased' } @$all), 150, '  all with a lease';
close $_ for @leases;

is $proxy->ctl('stop', 'soon'), 2, 'stop: wrong usage';
is $proxy->get('alpha', '/.well-known/healthz')->status, 200, 'it serves';
is $proxy->ctl('stop'), 0, 'stop';
is $proxy->out, "dynproxyd has ended\n", 'says so';
ok eventually(sub { $proxy->is_dead }), 'it has';
is $proxy->ctl('stop'), 3, 'there is nothing left to be stopped';
$proxy->start;
is $proxy->ctl('-q', 'stop', '--now'), 0, 'stop --now';
is $proxy->out, '', 'quietly';
ok eventually(sub { $proxy->is_dead }), 'it is gone';
$proxy->start;
done_testing;
