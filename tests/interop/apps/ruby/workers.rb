# The jobs that sidekiq_jobs.rb enqueues, and how often Sidekiq looks at its schedule.
require "sidekiq"

Redis.silence_deprecations = true
Sidekiq.logger.level = Logger::WARN
Sidekiq.configure_server { |config| config.options[:poll_interval_average] = 1 }

class Add
  include Sidekiq::Worker

  def perform(a, b)
    Sidekiq.redis { |redis| redis.incrby("sum", a + b) }
  end
end

class Note
  include Sidekiq::Worker
  sidekiq_options queue: "critical"

  def perform(text)
    Sidekiq.redis { |redis| redis.rpush("notes", text) }
  end
end

# Fails at its first attempt.
class Unlucky
  include Sidekiq::Worker
  sidekiq_options retry: 3
  sidekiq_retry_in { 1 }

  def perform(name)
    attempt = Sidekiq.redis { |redis| redis.incr("attempts:#{name}") }
    raise "the first time fails" if attempt == 1
  end
end

class Hopeless
  include Sidekiq::Worker
  sidekiq_options retry: 0

  def perform
    raise "no such luck"
  end
end
