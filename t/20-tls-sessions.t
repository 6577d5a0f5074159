# A client goes on with its TLS session on whichever worker it meets, after a
# reload and after a change of the tickets' keys; never with another's.
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use IPC::Open2;

my $keys = File::Temp->newdir;
sub put_keys {
    Certificates::write_file("$keys/.new", join '', @_);
    chmod 0600, "$keys/.new";
    rename "$keys/.new", "$keys/keys" or die $!;
}
sub new_key { open my $fh, '<', '/dev/urandom' or die; sysread $fh, my $bytes, 80; $bytes }

my $proxy = DynProxy->new(workers => 4, tls => ["*.$DynProxy::DOMAIN"],
    conf => {});
$proxy->ca->pair('other', names => ['other.test']);

# Handshakes as t/resume.py does them: how many succeeded, how many resumed.
sub sessions {
    my ($version) = @_;
    my $pid = open2(my $out, my $in, "$FindBin::Bin/resume.py", $proxy->{https_port}, $proxy->host('alpha'),
        $proxy->ca->file, $version);
    return sub { my ($what) = @_; print $in "$what\n"; $in->flush; chomp(my $line = <$out> // 'none'); $line };
}

# Whoever replaces a certificate has everything read again; a line of the log
# tells that it was done.
sub read_again {
    my ($line, $times) = @_;
    $proxy->ca->put('first', $proxy->ca->pem('first'));
    return eventually(sub { $times <= (() = $proxy->log =~ /$line/g) });
}
sub certificate_of {
    my ($name) = @_;
    my (undef, $out) = run_command('openssl', 's_client', '-connect', "127.0.0.1:$proxy->{https_port}",
        '-servername', $name);
    return $out =~ /(-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n)/s ? $1 : '';
}
ok eventually(sub { certificate_of('other.test') eq $proxy->ca->certificate('other') }), 'another certificate';

for my $version ('1.2', '1.3') {
    my $ask = sessions($version);
    is $ask->('full 50'), '50 0', "TLS $version: 50 sessions";
    is $ask->('resume 200'), '200 200', 'all of 200 are resumed, with 4 workers';
    is $ask->('as other.test 20'), '20 0', 'none by another certificate';
    is $ask->('as beta.example.test 20'), '20 0', 'none by another name of the same';
}

my $ask = sessions('1.3');
is $ask->('full 50'), '50 0', '50 sessions';
$proxy->ca->pair('third', names => ['third.test']);
ok eventually(sub { certificate_of('third.test') eq $proxy->ca->certificate('third') }), 'certificates are read again';
is $ask->('resume 200'), '200 200', 'and sessions resumed';
$proxy->stop;

# --- keys from a file
my @key = map { new_key() } 1 .. 4;
put_keys($key[0]);
$proxy = DynProxy->new(workers => 4, tls => ["*.$DynProxy::DOMAIN"],
    conf => { tls_ticket_key_file => qq("$keys/keys") });
$ask = sessions('1.3');
is $ask->('full 50'), '50 0', 'keys from a file';
is $ask->('resume 200'), '200 200', 'the same for all workers';
put_keys(@key[1, 0]);
ok read_again(qr/ticket-keys-read/, 2), 'another key';
is $ask->('resume 200'), '200 200', 'after that change, too';
put_keys(@key[2, 1]);
ok read_again(qr/ticket-keys-read/, 3), 'and another, without the first';
is $ask->('resume 50'), '50 0', 'without its key a session is no more';
put_keys('too short');
$proxy->{expect} = qr/ticket-keys-refused/;
ok read_again(qr/ticket-keys-refused file=\S+ reason="it has not one, two or three keys/, 1),
    'a file that has no keys is refused';
put_keys($key[0]);
chmod 0640, "$keys/keys";
ok read_again(qr/ticket-keys-refused file=\S+ reason="others may read/, 1), 'one that others can read, too';
is $ask->('full 5'), '5 0', 'and the keys are as before';
$proxy->stop;

# --- keys that we make
$proxy = DynProxy->new(workers => 2, tls => ["*.$DynProxy::DOMAIN"],
    conf => { tls_ticket_rotation => '4s' });
$ask = sessions('1.3');
is $ask->('full 20'), '20 0', 'sessions';
sub rotations { return scalar(() = $proxy->log =~ /ticket-keys-rotated/g) }
my $before = rotations();    # there may have been some already
ok eventually(sub { rotations() > $before }), 'a rotation';
is $ask->('resume 100'), '100 100', 'which they survive';
ok eventually(sub { rotations() >= $before + 3 }), 'three of them';
is $ask->('resume 20'), '20 0', 'are too many';
$proxy->stop;

# --- sooner, by a reload
$proxy = DynProxy->new(tls => ["*.$DynProxy::DOMAIN"], conf => { tls_ticket_rotation => '12h' });
$proxy->configure(tls_ticket_rotation => '1s');
is $proxy->ctl('reload'), 0, 'a shorter time';
ok eventually(sub { $proxy->log =~ /ticket-keys-rotated/ }), 'counts for the key there is';
done_testing;
