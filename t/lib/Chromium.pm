# A browser for one test, driven by chromedriver in its W3C dialect.
#
#   my $browser = Chromium->new(width => 1200, height => 900, dark => 1);
#   $browser->go($url);
#   is $browser->js('return document.title'), 'done', 'loaded';
#   $browser->picture($file);      # a screenshot
package Chromium;
use v5.26;
use warnings;

use DynProxy;
use File::Temp;
use HTTP::Tiny;
use JSON::PP;
use MIME::Base64;

# args   more options of Chromium's
sub new {
    my ($class, %want) = @_;
    my $self = bless { http => HTTP::Tiny->new(timeout => 60), profile => File::Temp->newdir,
        port => DynProxy::free_port(), owner => $$, session => '' }, $class;
    $self->{driver} = fork // die $!;
    if (!$self->{driver}) {
        setpgrp;    # what it starts ends with it
        $ENV{HOME} = "$self->{profile}";
        open STDOUT, '>', "$self->{profile}/driver.log";
        open STDERR, '>&', \*STDOUT;
        exec 'chromedriver', "--port=$self->{port}" or POSIX::_exit(127);
    }
    DynProxy::eventually(sub { $self->{http}->get("http://127.0.0.1:$self->{port}/status")->{success} }, 30)
        or die 'no chromedriver';
    my ($width, $height) = ($want{width} // 1000, $want{height} // 700);
    my $begun = $self->say(POST => '', { capabilities => { alwaysMatch => {
        browserName => 'chrome', acceptInsecureCerts => JSON::PP::true,
        'goog:loggingPrefs' => { browser => 'ALL' },
        'goog:chromeOptions' => { args => ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
            "--window-size=$width,$height", "--user-data-dir=$self->{profile}/data", '--no-proxy-server', @{ $want{args} // [] }] } } } });
    die 'no Chromium' if !$begun->{sessionId};
    $self->{session} = "/$begun->{sessionId}";
    return $self;
}

# The value of the answer.
sub say {
    my ($self, $method, $path, $what) = @_;
    my $answer = $self->{http}->request($method, "http://127.0.0.1:$self->{port}/session$self->{session}$path",
        $what ? { content => encode_json($what), headers => { 'content-type' => 'application/json' } } : {});
    return eval { decode_json($answer->{content})->{value} };
}

sub go { my ($self, $url) = @_; return $self->say(POST => '/url', { url => $url }) }

sub js {
    my ($self, $script, @args) = @_;
    return $self->say(POST => '/execute/sync', { script => $script, args => \@args });
}

# A command of Chrome's own protocol.
sub cdp {
    my ($self, $command, $params) = @_;
    return $self->say(POST => '/goog/cdp/execute', { cmd => $command, params => $params });
}

# What it wrote on its console: nothing, of a page that is well.
sub console {
    my ($self) = @_;
    return map { $_->{message} } @{ $self->say(POST => '/se/log', { type => 'browser' }) // [] };
}

sub picture {
    my ($self, $file) = @_;
    open my $fh, '>:raw', $file or die "$file: $!";
    print $fh decode_base64($self->say(GET => '/screenshot'));
}

sub DESTROY {
    my ($self) = @_;
    return if $$ != $self->{owner} || !$self->{driver};
    local $?;
    $self->say(DELETE => '') if $self->{session};
    kill 'KILL', -$self->{driver};
    waitpid $self->{driver}, 0;
}

1;
