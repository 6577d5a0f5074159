# The certificate of the name that is asked for is shown; a new one is shown as
# soon as it is there, without a handshake that fails; a bad one never.
# REPLACEMENTS=200: so many (make soak-certificates).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use OwnNetwork ();
use POSIX qw(WNOHANG);
use Socket;

my $proxy = DynProxy->new(workers => 2, tls => ["*.$DynProxy::DOMAIN"], conf => { tls_default => '"first"',
        tls_handshake_timeout => '10s' },
    expect => qr/certificate-refused|certificate-expires/);
my $ca = $proxy->ca;
my $port = $proxy->{https_port};
my $silent = $proxy->connect($port);

# The certificate that is shown to who asks for a name; '': none.
sub shown {
    my ($name, @options) = @_;
    (undef, my $out, my $err) = run_command('openssl', 's_client', '-connect', "127.0.0.1:$port",
        defined $name ? ('-servername', $name) : '-noservername', @options);
    return $out =~ /(-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n)/s ? $1 : '';
}
sub shows { my ($name, $which, @options) = @_; $ca->certificate($which) eq shown($name, @options) }
sub soon { my @what = @_; eventually(sub { shows(@what) }) }
# As many handshakes as both workers do some of.
sub soon_in_each { my @what = @_; eventually(sub { !grep { !shows(@what) } 1 .. 12 }) }

# --- SNI
$ca->pair('exact', names => ['one.example.test', 'one.other.test']);
$ca->pair('wild',  names => ['*.wild.test']);
$ca->pair('rsa',   names => ["*.$DynProxy::DOMAIN"], key => 'rsa');
$ca->pair('aaa',   names => ['aaa.test']);    # before `first`, but not the default
ok soon_in_each('aaa.test', 'aaa'), 'new certificates are shown, by each worker';
ok shows('one.example.test', 'exact'), 'the name itself comes before a wildcard';
ok shows('ONE.Example.TEST', 'exact'), 'in capitals';
ok shows('two.example.test', 'first'), 'a wildcard';
ok shows('two.example.test', 'rsa', '-tls1_2', '-cipher', 'ECDHE-RSA-AES128-GCM-SHA256'), 'RSA for who can check only that';
ok shows('a.wild.test', 'wild'), 'another wildcard';
ok shows('a.b.wild.test', 'first'), 'one label deep: else the default';
ok shows('wild.test', 'first'), 'not the domain itself';
ok shows('nobody.test', 'first'), 'a name of nobody';
ok shows(undef, 'first'), 'no name';

# --- what is spoken
is shown('a.example.test', '-tls1_1'), '', 'not TLS 1.1';
is shown('a.example.test', '-tls1_2', '-cipher', 'AES128-SHA'), '', 'no cipher without forward secrecy';
my (undef, $out) = run_command('openssl', 's_client', '-connect', "127.0.0.1:$port", '-alpn', 'http/1.1');
like $out, qr{ALPN protocol: http/1\.1}, 'ALPN';
like $proxy->raw("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), qr{^HTTP/1.1 400 }, 'TLS on the other port: 400';
like DynProxy::converse($proxy->connect($port), "GET / HTTP/1.1\r\nHost: a\r\n\r\n"), qr{^HTTP/1.1 400 },
    'HTTP on the port for TLS: 400, in clear words';

# --- bad pairs
my @refused = (
    [expired  => 'it has expired',                 sub { $ca->make('x', names => ['x.test'], signed_by => 'middle', days => -1); $ca->pem('x') }],
    [key      => "the private key is another",     sub { $ca->certificate('first') . $ca->key('wild') }],
    [order    => 'the chain is not in order',      sub { $ca->certificate('first') . $ca->certificate('ca') . $ca->key('first') }],
    [half     => 'it is cut or damaged',           sub { substr $ca->pem('first'), 0, 300 }],
    [nokey    => 'there is no private key',        sub { $ca->certificate('first') }],
    [nothing  => 'there is no certificate',        sub { '' }],
    [garbage  => 'there is no certificate',        sub { "\0\xff" x 500 }],
    [twokeys  => 'there are two private keys',     sub { $ca->pem('first') . $ca->key('first') }],
    [weak     => 'it cannot be used: ee key too small', sub { $ca->make('w', names => ['w.test'], signed_by => 'middle', key => 'weak'); $ca->pem('w') }],
    [large    => 'it is too large',                sub { $ca->pem('first') . "\n" x 262144 }],
    [readable => 'others may read the key in it',  sub { $ca->pem('first') }, 0644],
);
for my $case (@refused) {
    my ($what, $why, $pem, $mode) = @$case;
    $ca->put('wild', $pem->(), $mode);
    ok eventually(sub { $proxy->log =~ /certificate-refused file=\S+wild\.pem reason="\Q$why\E/ }), "$what: refused, with file and reason"
        or diag $proxy->log;
    ok shows('a.wild.test', 'wild'), "$what: the one before is kept";
}
$ca->pair('wild', names => ['*.wild.test']);
ok soon('a.wild.test', 'wild'), 'a good one is taken again';
$ca->make('apart', names => ['apart.test'], signed_by => 'middle');
$ca->put('apart.key', $ca->key('apart'));
$ca->put('apart.pem', $ca->certificate('apart') . $ca->certificate('middle'), 0644);
ok soon('apart.test', 'apart'), 'the key in a file of its own';
unlink "$proxy->{dir}/tls/apart.pem";
ok soon('apart.test', 'first'), 'a file that is gone is gone';

my %status;
eventually(sub { %status = map { $_->{name} => $_ } @{ $proxy->ctl_json('status')->{certificates} }; !$status{apart} });
is join(' ', sort keys %status), 'aaa exact first rsa wild', 'status shows certificates';
like $status{first}{not_after}, qr/^20\d\d-\d\d-\d\dT/, 'and their ends';
cmp_ok $status{first}{days}, '>', 80, 'and days';
sub ends { my $now = $proxy->metrics; return map { /_not_after_\w+\{(.*)\}/ ? ($1 => $now->{$_}) : () } keys %$now }
my %ends = ends();
is join(' ', sort keys %ends), join(' ', map { my ($zone, $type) = split /:/; qq(zone="$zone",type="$type") }
    qw(aaa.test:ecdsa example.test:ecdsa example.test:rsa one.example.test:ecdsa wild.test:ecdsa)), 'metrics have them by zone and type';
my $rsa = 'zone="example.test",type="rsa"';
$ca->pair('rsb', names => ["*.$DynProxy::DOMAIN"], key => 'rsa', days => 30);
ok eventually(sub { my %now = ends(); %now == %ends && $now{$rsa} < $ends{$rsa} - 86400 }), 'of two for the same the one made last';
$ca->pair('soon', names => ['soon.test'], days => 5);
ok eventually(sub { $proxy->log =~ /certificate-expires file=soon\.pem days=[45]\b/ }), 'one that ends soon is spoken of';

# --- replaced while handshakes go on
my $times = $ENV{REPLACEMENTS} // 10;
my $done = "$proxy->{dir}/done";
my $clients = fork // die;
if (!$clients) {
    open STDOUT, '>', "$proxy->{dir}/handshakes";
    exec "$FindBin::Bin/handshakes.py", $port, 'a.wild.test', $ca->file, 200, $done or POSIX::_exit(127);
}
for my $n (1 .. $times) {
    $ca->pair('wild', names => ['*.wild.test']);
    ok soon('a.wild.test', 'wild'), "replacement $n";
}
Certificates::write_file($done, '');
waitpid $clients, 0;
like DynProxy::slurp("$proxy->{dir}/handshakes"), qr/^[1-9]\d* handshakes, 0 failed, ([2-9]|\d\d+) certificates,/,
    'no handshake failed meanwhile';
diag DynProxy::slurp("$proxy->{dir}/handshakes");
is $silent->sysread(my $byte, 1), 0, 'who did not begin with TLS was closed in the meantime';

# --- another directory
$ca = Certificates->new("$proxy->{dir}/others");
$ca->pair('first', names => ["*.$DynProxy::DOMAIN"]);
$proxy->{conf}{tls_directory} = qq("$proxy->{dir}/others");
$proxy->write_conf;
is $proxy->ctl('reload'), 0, 'a reload with another directory' or diag $proxy->err;
ok soon('a.example.test', 'first'), 'its certificates are shown';
$ca->pair('late', names => ['late.test']);
ok soon('late.test', 'late'), 'and those that come into it';
$proxy->configure(tls_unknown_name => 'refuse');
is $proxy->ctl('reload'), 0, 'a reload with another setting of theirs' or diag $proxy->err;
is shown('nobody.test'), '', 'is in force at once';
$proxy->configure(tls_profile => 'modern');
is $proxy->ctl('reload'), 0, 'and with another profile' or diag $proxy->err;
is shown('a.example.test', '-tls1_2'), '', 'for the same certificates';
ok shows('a.example.test', 'first'), 'which are shown';

# --- more than a socket takes at once, for who does not read yet
my $MANY = 400;
# What the workers have worked, nanoseconds.
sub worked { my $sum = 0; $sum += (split ' ', DynProxy::slurp("/proc/$_/schedstat"))[0] for $proxy->worker_pids; return $sum }
my $begun = worked();
$ca->put("copy$_.pem", $ca->pem('late') . "copy $_\n") for 1 .. $MANY;    # each another text
is $proxy->ctl('reload'), 0, 'many certificates' or diag $proxy->err;
my $all = worked() - $begun;
socket my $ctl, AF_UNIX, SOCK_SEQPACKET, 0 or die $!;
connect $ctl, sockaddr_un($proxy->socket_path('master')) or die $!;
syswrite $ctl, pack 'L L Q a112', 23, 0, 0, '';    # CTL_STATUS of lib/ctlmsg.h
is $proxy->ctl('reload'), 0, 'the master goes on meanwhile';
my @types;
while (sysread $ctl, my $message, 128) { push @types, unpack 'L', $message }
is scalar(grep { $_ == 27 } @types), $MANY + 2, 'it is told of all of them';
is $types[-1], 29, 'and of the end';
$begun = worked();
$ca->pair('one', names => ['one.test']);
is $proxy->ctl('reload'), 0, 'and one more';
my $one = worked() - $begun;
cmp_ok $one, '<', $all / 2, 'which does not have the workers read the others again';
note sprintf '%.1f ms after %.1f', $one / 1e6, $all / 1e6;
ok soon_in_each('one.test', 'one'), 'is shown';
ok shows('late.test', 'late'), 'and so are they';
$proxy->stop;

# --- a setting
$proxy = DynProxy->new(tls => ["*.$DynProxy::DOMAIN"], conf => {
    tls_unknown_name => 'refuse', tls_profile => 'modern', tls_handshake_rate => 2, tls_handshake_burst => 8 });
$port = $proxy->{https_port};
$ca = $proxy->ca;
ok shows('a.example.test', 'first'), 'a name that is known';
is shown('nobody.test'), '', 'an unknown one is refused';
like +(run_command('openssl', 's_client', '-connect', "127.0.0.1:$port", '-servername', 'nobody.test'))[2],
    qr/unrecognized name/, 'by the alert';
is shown('a.example.test', '-tls1_2'), '', 'modern: TLS 1.3 only';
my $held = 0;
for (1 .. 40) {
    my $began = Time::HiRes::time;
    my $answer = DynProxy::converse($proxy->connect($port), "GET / HTTP/1.1\r\n\r\n");
    $held = Time::HiRes::time - $began > 0.3 && $answer =~ m{^HTTP/1.1 400 };
    last if $held;
}
ok $held, 'too many handshakes: held back, then gone on with';
my @crowd = map { $proxy->connect($port) // () } 1 .. 40;    # it may be over before it has begun
$_->blocking(0) for @crowd;
ok @crowd < 40 || eventually(sub { grep { !defined $_->sysread(my $nothing, 1) && $!{ECONNRESET} } @crowd }), 'still more: cut';
like $proxy->log, qr/handshakes-refused reason=limit-client address=127\.0\.0\.1/, 'and logged';
done_testing;
