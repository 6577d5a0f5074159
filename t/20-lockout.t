# Who may not ask keeps nobody else from asking: not with silence either
# (7-security.md 7.2).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;

my $NOBODY = 65534;

my $proxy = DynProxy->new(
    tools => ['alpha'],
    conf  => { admin_networks => '{ "127.0.0.1/32" }' },
);

# Silent connections of somebody, as many as there are places, and more.
sub silent { my ($open) = @_; return map { $open->() || () } 1 .. 100 }

sub control_as {
    my ($uid) = @_;
    local $> = $uid;
    return IO::Socket::UNIX->new(Peer => $proxy->socket_path('control'));
}

my @strangers = silent(sub { control_as($NOBODY) });
is scalar @strangers, 100, '100 connections of nobody to the control socket';
is $proxy->ctl('list'), 0, 'root is answered all the same';
like DynProxy::converse($strangers[99]), qr/^\{"v":1,"exit":4,.*you may not/, 'nobody is told, without a question';
undef @strangers;

my $status;
{
    local $> = $NOBODY;
    $status = $proxy->ctl('--json', 'list');
}
is $status, 4, 'dynproxyctl says "not permitted" to nobody';
like $proxy->err, qr/you may not/, 'and why';

sub admin_from {
    my ($address) = @_;
    return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $proxy->{admin_port},
        LocalAddr => $address, Proto => 'tcp');
}

@strangers = silent(sub { admin_from('127.0.0.9') });
is scalar @strangers, 100, '100 connections to port 8081 from elsewhere';
is $proxy->admin('/list')->status, 200, 'who may ask is answered all the same';
my $refused = DynProxy::Response->new(DynProxy::converse($strangers[99]));
is $refused->status, 403, 'who may not is told, without a request';
is $refused->body, "not from this address\n", 'and why';

done_testing;
