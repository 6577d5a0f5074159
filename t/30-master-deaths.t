# kill -9 of one master after the other, while workers of each have a client:
# the next one serves all the same, and nobody's download is cut
# (3-processes.md).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;

my $LENGTH = 50_000_000;    # more than sockets take by themselves
my $proxy  = DynProxy->new(
    workers => 2,
    tools   => ['alpha'],
    conf    => { drain_timeout => '1s', send_timeout => '5m' },
    expect  => qr/killed/,
);
my $backend = $proxy->backend(text => 'hello');
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a tool';

sub alive  { grep { kill 0, $_ } @_ }
sub logged { my ($what) = @_; return scalar(() = $proxy->log =~ /$what/g) }

# Has one of these sockets where clients may wait?
sub listens {
    my (undef, $out) = run_command('ss', '-Htlnp', "sport = :$proxy->{http_port}");
    return grep { $out =~ /pid=$_,/ } @_;
}

# A client that has begun to read, and the worker that has it.
sub download {
    my $client = $proxy->connect;
    $client->printflush("GET /bytes/$LENGTH HTTP/1.1\r\nHost: alpha.example.test\r\nConnection: close\r\n\r\n");
    $client->sysread(my $head, 65536);
    return { client => $client, head => $head, worker => $proxy->worker_of($client) };
}

my (@downloads, @workers);
for my $death (1 .. 3) {
    push @downloads, download();
    push @workers,   $proxy->worker_pids;
    is scalar(grep { $_ == $downloads[-1]{worker} } @workers[-2, -1]), 1, "a worker of master $death has a client";
    kill 'KILL', $proxy->{pid};
    ok eventually(sub { $proxy->is_dead }), 'its master is killed';
    $proxy->start;
    ok eventually(sub { logged('serving workers=') == $death + 1 }), 'the next one has workers of its own' or last;
    ok eventually(sub { !listens(@workers) }), 'the old ones leave new clients to them';
    is $proxy->register('alpha', "/$death", $backend->url), 'ok', 'there is a registrar';
    is $proxy->get('alpha', "/$death")->body, 'hello', "they serve, request $_" for 1 .. 4;
}
ok eventually(sub { $proxy->ctl('status') == 0 && $proxy->out =~ /orphaned/ }), 'status shows that there are others';
like $proxy->out, qr/^ +-  worker \d+ orphaned$/m, 'of which it knows neither number nor time';
unlike $proxy->out, qr/since 19/, 'and says none';

my %has_client = map { $_->{worker} => 1 } @downloads;
is scalar(alive(keys %has_client)), 3, 'a worker of each master before has its client yet';
ok eventually(sub { !alive(grep { !$has_client{$_} } @workers) }), 'and nobody else is left';
for my $download (splice @downloads, 0, 2) {
    my ($body) = ($download->{head} . DynProxy::converse($download->{client}, '')) =~ /\r\n\r\n(.*)\z/s;
    is length $body, $LENGTH, 'a download is complete';
    ok eventually(sub { !alive($download->{worker}) }), 'and its worker ends';
}
my @left = map { $_->{worker} } @downloads;
is scalar(alive(@left)), 1, 'the other stays';
$proxy->stop('QUIT');
ok eventually(sub { !alive(@left) }), 'until the master ends, after drain_timeout';
done_testing;
